'use client';

/** `retry` reads the page from the server anew; Next's `reset` would draw the same error again. */
type Props = { error: Error & { digest?: string }; retry: () => void };

const ErrorPage = ({ error, retry }: Props) => (
  <main className="page-message">
    <h1>Something went wrong</h1>
    <p>Your tasks are safe: they are kept by the server. What you typed is kept in this browser.</p>
    {error.digest !== undefined && (
      <p className="field-hint">
        Number in the log: <code>{error.digest}</code>
      </p>
    )}
    <p className="page-actions">
      <button type="button" className="button button-primary" onClick={retry}>
        Try again
      </button>
      <a href="/" className="button">
        To the tasks
      </a>
    </p>
  </main>
);

export default ErrorPage;
