import type { ReactNode } from 'react';

const paths = {
  check: <path d="M5 12.5l4.5 4.5L19 7.5" />,
  plus: <path d="M12 5v14M5 12h14" />,
  search: (
    <>
      <circle cx="11" cy="11" r="6.5" />
      <path d="M16 16l4.5 4.5" />
    </>
  ),
  pencil: <path d="M4 20l1-4.5L16.5 4a2.1 2.1 0 013 3L8 18.5 4 20zM14.5 6l3 3" />,
  trash: <path d="M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 13h9l1-13M10 11v5.5M14 11v5.5" />,
  calendar: (
    <>
      <rect x="4" y="5.5" width="16" height="14.5" rx="2.5" />
      <path d="M4 10h16M8.5 3.5v4M15.5 3.5v4" />
    </>
  ),
  repeat: <path d="M5 11V9.5a3 3 0 013-3h10M15.5 4L18 6.5 15.5 9M19 13v1.5a3 3 0 01-3 3H6M8.5 20L6 17.5 8.5 15" />,
  flag: <path d="M6 21V4.5M6 5c4-2.5 8 2.5 12 0v8.5c-4 2.5-8-2.5-12 0" />,
  close: <path d="M6 6l12 12M18 6L6 18" />,
  send: <path d="M12 19V5.5M6 11l6-6 6 6" />,
  stop: <rect x="6.5" y="6.5" width="11" height="11" rx="2" fill="currentColor" />,
  copy: (
    <>
      <rect x="8.5" y="8.5" width="11" height="11" rx="2.5" />
      <path d="M15.5 8.5V7A2.5 2.5 0 0013 4.5H7A2.5 2.5 0 004.5 7v6A2.5 2.5 0 007 15.5h1.5" />
    </>
  ),
  retry: <path d="M19.5 12a7.5 7.5 0 11-2.2-5.3M19.5 4.5v4h-4" />,
  history: <path d="M4.5 12a7.5 7.5 0 102.2-5.3M4.5 4.5v4h4M12 8v4.5l3 2" />,
  user: (
    <>
      <circle cx="12" cy="8.5" r="4" />
      <path d="M4.5 20.5c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5" />
    </>
  ),
  signOut: <path d="M10 4.5H6.5a2 2 0 00-2 2v11a2 2 0 002 2H10M15 8l4 4-4 4M19 12H9.5" />,
  sun: (
    <>
      <circle cx="12" cy="12" r="4" />
      <path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6L7 7M17 17l1.4 1.4M18.4 5.6L17 7M7 17l-1.4 1.4" />
    </>
  ),
  moon: <path d="M19.5 14.5A8 8 0 019.5 4.5a8 8 0 1010 10z" />,
  list: <path d="M9 6.5h11M9 12h11M9 17.5h11M4.5 6.5h.01M4.5 12h.01M4.5 17.5h.01" />,
  chat: <path d="M4.5 6.5a2 2 0 012-2h11a2 2 0 012 2v8a2 2 0 01-2 2H11l-4.5 4v-4a2 2 0 01-2-2v-8z" />,
  down: <path d="M12 5v13.5M6 13l6 6 6-6" />,
  warning: <path d="M12 4.5l8.5 15h-17l8.5-15zM12 10.5v4M12 17.2v.01" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof paths;

/** Decorative: the button or text beside it carries the name. */
export const Icon = ({ name }: { name: IconName }) => (
  <svg
    className="icon"
    viewBox="0 0 24 24"
    width="20"
    height="20"
    fill="none"
    stroke="currentColor"
    strokeWidth="1.8"
    strokeLinecap="round"
    strokeLinejoin="round"
    aria-hidden="true"
    focusable="false"
  >
    {paths[name]}
  </svg>
);
