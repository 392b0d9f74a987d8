'use client';

import { useState } from 'react';
import { Icon } from './icons';

export type Theme = 'light' | 'dark' | 'system';

const prefersDark = (): boolean => matchMedia('(prefers-color-scheme: dark)').matches;

/** Switches between light and dark. The choice is a cookie, so that the server draws the page in it. */
export const ThemeToggle = ({ theme: initial }: { theme: Theme }) => {
  const [theme, setTheme] = useState<Theme>(initial);
  const toggle = (): void => {
    const isDark = theme === 'dark' || (theme === 'system' && prefersDark());
    const next: Theme = isDark ? 'light' : 'dark';
    document.documentElement.dataset.theme = next;
    document.cookie = `theme=${next}; path=/; max-age=31536000; samesite=lax`;
    setTheme(next);
  };
  return (
    <button type="button" className="icon-button theme-toggle" onClick={toggle} aria-label="Switch light and dark">
      <Icon name="sun" />
      <Icon name="moon" />
    </button>
  );
};
