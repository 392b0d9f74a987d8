'use client';

import '@/styles/base.css';
import '@/styles/pages.css';
import ErrorPage from './error';

type Props = { error: Error & { digest?: string }; retry: () => void };

/** Takes the place of the layout itself, where that failed. */
const GlobalError = (props: Props) => (
  <html lang="en">
    <body>
      <title>Something went wrong</title>
      <ErrorPage {...props} />
    </body>
  </html>
);

export default GlobalError;
