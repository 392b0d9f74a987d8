'use client';

import { useCallback, useRef, useState } from 'react';

export type Toast = {
  id: number;
  text: string;
  tone: 'info' | 'error';
  action?: { label: string; run: () => void };
  /** The action takes the focus: what had it is gone, and the reader uses the keyboard. */
  takesFocus?: boolean;
  /** Selectors of where the focus goes after the toast, the best place first. */
  near?: string[];
  /** Runs when the toast is gone and its action was not taken. */
  onExpire?: () => void;
};

type Toasts = {
  toasts: Toast[];
  /** Answers what takes the toast away when there is nothing left to act on or to wait for. */
  show: (toast: Omit<Toast, 'id'>) => () => void;
  close: (id: number, reason: 'acted' | 'expired') => void;
};

export const useToasts = (): Toasts => {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const open = useRef(new Map<number, Toast>());
  const nextId = useRef(1);

  /** Answers the toast; undefined where it is gone already. */
  const take = useCallback((id: number): Toast | undefined => {
    const toast = open.current.get(id);
    open.current.delete(id);
    setToasts((list) => list.filter((other) => other.id !== id));
    return toast;
  }, []);

  const show = useCallback(
    (toast: Omit<Toast, 'id'>): (() => void) => {
      const entry = { ...toast, id: nextId.current };
      nextId.current += 1;
      open.current.set(entry.id, entry);
      setToasts((list) => [...list, entry]);
      return () => void take(entry.id);
    },
    [take],
  );

  const close = useCallback(
    (id: number, reason: 'acted' | 'expired'): void => {
      const toast = take(id);
      if (reason === 'acted') toast?.action?.run();
      else toast?.onExpire?.();
    },
    [take],
  );

  return { toasts, show, close };
};
