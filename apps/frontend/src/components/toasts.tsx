'use client';

import { useEffect, useState } from 'react';
import type { Toast } from '@/lib/use-toasts';
import { Icon } from './icons';

const lifetimeMs = 8000;

type CloseToast = (id: number, reason: 'acted' | 'expired') => void;

const ToastItem = ({ toast, close }: { toast: Toast; close: CloseToast }) => {
  // Reading or reaching for Undo stops the clock.
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => close(toast.id, 'expired'), lifetimeMs);
    return () => clearTimeout(timer);
  }, [held, close, toast.id]);
  return (
    // Holding the clock is no control of its own: it makes reaching the buttons inside possible.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <li
      className={`toast toast-${toast.tone}`}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <span dir="auto">{toast.text}</span>
      {toast.action !== undefined && (
        <button type="button" className="toast-action" onClick={() => close(toast.id, 'acted')}>
          {toast.action.label}
        </button>
      )}
      <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => close(toast.id, 'expired')}>
        <Icon name="close" />
      </button>
    </li>
  );
};

export const Toasts = ({ toasts, close }: { toasts: Toast[]; close: CloseToast }) => (
  <section className="toasts" aria-label="Notices" aria-live="polite" aria-relevant="additions">
    <ul>
      {toasts.map((toast) => (
        <ToastItem key={toast.id} toast={toast} close={close} />
      ))}
    </ul>
  </section>
);
