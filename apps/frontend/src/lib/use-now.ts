'use client';

import { useMemo, useSyncExternalStore } from 'react';

const minute = 60_000;

const subscribe = (onChange: () => void): (() => void) => {
  const timer = setInterval(onChange, 10_000);
  return () => clearInterval(timer);
};
const getMinute = (): number => Math.floor(Date.now() / minute) * minute;
const getServerMinute = (): number => 0;

/**
 * The current time to the minute, so that "overdue" comes true while the page is open.
 * Null on the server and in the first render: the reader's time zone is not known there.
 */
export const useNow = (): Date | null => {
  const now = useSyncExternalStore(subscribe, getMinute, getServerMinute);
  return useMemo(() => (now === 0 ? null : new Date(now)), [now]);
};
