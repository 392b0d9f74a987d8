'use client';

import { useSyncExternalStore, type ReactNode } from 'react';

const never = (): (() => void) => () => undefined;

/** False on the server and until the page's script has taken over. */
const useHydrated = (): boolean =>
  useSyncExternalStore(
    never,
    () => true,
    () => false,
  );

/**
 * Holds every control inside back until the page's script has taken over: a click before would be
 * lost without a word, and a form would be sent the plain way, with what it holds in the address.
 */
export const Gate = ({ children }: { children: ReactNode }) => (
  <fieldset className="gate" role="none" disabled={!useHydrated()}>
    {children}
  </fieldset>
);
