import type { Metadata, Viewport } from 'next';
import type { ReactNode } from 'react';
import { readTheme } from '@/lib/theme';
import '@/styles/base.css';
import '@/styles/tasks.css';
import '@/styles/chat.css';
import '@/styles/pages.css';

export const metadata: Metadata = {
  title: { default: 'Todo Chatbot', template: '%s · Todo Chatbot' },
  description: 'A task list you can type into, or talk to.',
  icons: { icon: '/icon.svg' },
};

export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  colorScheme: 'light dark',
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#f6f5f1' },
    { media: '(prefers-color-scheme: dark)', color: '#141816' },
  ],
};

// The nonce of the content security policy is new for every request, so no page can be built ahead.
export const dynamic = 'force-dynamic';

const RootLayout = async ({ children }: { children: ReactNode }) => (
  <html lang="en" data-theme={await readTheme()}>
    <body>{children}</body>
  </html>
);

export default RootLayout;
