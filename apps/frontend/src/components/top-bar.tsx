'use client';

import { useRef, useState } from 'react';
import { ApiError, logout, messageOf } from '@/lib/api';
import { tellTabs } from '@/lib/tabs';
import type { User } from '@/lib/types';
import { Gate } from './gate';
import { Icon } from './icons';
import { ThemeToggle, type Theme } from './theme-toggle';

export const Brand = () => (
  <span className="brand">
    <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="9" className="brand-tile" />
      <path d="M9 16.5l5 5 9.5-11" className="brand-mark" />
    </svg>
    Todo Chatbot
  </span>
);

type Props = {
  user: User | null;
  theme: Theme;
  /** What needs the session that is about to end. */
  beforeSignOut?: () => Promise<void>;
};

export const TopBar = ({ user, theme, beforeSignOut }: Props) => {
  const [problem, setProblem] = useState('');
  const leaving = useRef(false);

  const signOut = async (): Promise<void> => {
    if (leaving.current) return;
    leaving.current = true;
    setProblem('');
    try {
      await beforeSignOut?.();
      await logout();
    } catch (error) {
      // Signed out is what is wanted, also where the session was over already.
      if (!(error instanceof ApiError) || error.status !== 401) {
        leaving.current = false;
        setProblem(`You are still signed in. ${messageOf(error)}`);
        return;
      }
    }
    tellTabs('signed-out');
    location.assign('/sign-in');
  };

  return (
    <header>
      <div className="top-bar">
        <a href="/" className="brand-link">
          <Brand />
        </a>
        <div className="top-bar-actions">
          <Gate>
            <ThemeToggle theme={theme} />
            {user !== null && (
              <>
                <a href="/account" className="button button-quiet account-link">
                  <Icon name="user" />
                  <span className="wide-only" dir="auto">
                    {user.name ?? user.email}
                  </span>
                  <span className="visually-hidden">Account</span>
                </a>
                <button type="button" className="button button-quiet" onClick={() => void signOut()}>
                  <Icon name="signOut" />
                  <span className="wide-only">Sign out</span>
                  <span className="visually-hidden narrow-only">Sign out</span>
                </button>
              </>
            )}
          </Gate>
        </div>
      </div>
      {problem !== '' && (
        <p className="notice notice-error" role="alert">
          {problem}
        </p>
      )}
    </header>
  );
};
