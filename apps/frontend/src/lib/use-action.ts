'use client';

import { useRef, useState } from 'react';
import { toSignIn } from './address';
import { ApiError, messageOf } from './api';

type Action = {
  busy: boolean;
  /** Why the last run failed; '' where it did not. */
  problem: string;
  setProblem: (problem: string) => void;
  run: (act: () => Promise<void>) => Promise<void>;
};

/** Runs one thing at a time: what is pressed meanwhile is ignored. Leads to sign-in where the session is over. */
export const useAction = (): Action => {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const running = useRef(false);

  const run = async (act: () => Promise<void>): Promise<void> => {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setProblem('');
    try {
      await act();
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) toSignIn();
      else setProblem(messageOf(error));
    }
    running.current = false;
    setBusy(false);
  };

  return { busy, problem, setProblem, run };
};
