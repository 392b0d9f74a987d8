'use client';

import { useEffect, useId, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { focusFirst } from '@/lib/focus';
import type { Toast } from '@/lib/use-toasts';
import { Icon } from './icons';

const lifetimeMs = 8000;

type CloseToast = (id: number, reason: 'acted' | 'expired') => void;

const ToastItem = ({ toast, close }: { toast: Toast; close: CloseToast }) => {
  // Reading or reaching for Undo stops the clock.
  const [held, setHeld] = useState(false);
  const textId = useId();
  const actionRef = useRef<HTMLButtonElement>(null);
  const cameFrom = useRef<Element | null>(null);
  const { takesFocus = false, near = [] } = toast;
  // What failed may be kept nowhere but in the action that tries it again.
  const stays = toast.tone === 'error' && toast.action !== undefined;
  useEffect(() => {
    if (takesFocus) actionRef.current?.focus();
  }, [takesFocus]);
  useEffect(() => {
    if (held || stays) return;
    const timer = setTimeout(() => close(toast.id, 'expired'), lifetimeMs);
    return () => clearTimeout(timer);
  }, [held, stays, close, toast.id]);
  /** The pressed button goes with its toast; the focus must not. */
  const closeAndGoOn = (reason: 'acted' | 'expired'): void => {
    flushSync(() => close(toast.id, reason));
    const places = reason === 'acted' ? [...near, cameFrom.current] : [cameFrom.current, ...near];
    focusFirst(...places, '#tasks-heading');
  };
  return (
    // Holding the clock is no control of its own: it makes reaching the buttons inside possible.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <li
      className={`toast toast-${toast.tone}`}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={(event) => {
        setHeld(true);
        if (!event.currentTarget.contains(event.relatedTarget)) cameFrom.current = event.relatedTarget;
      }}
      onBlur={() => setHeld(false)}
    >
      <span id={textId} dir="auto">
        {toast.text}
      </span>
      {toast.action !== undefined && (
        <button
          ref={actionRef}
          type="button"
          className="toast-action"
          aria-describedby={textId}
          onClick={() => closeAndGoOn('acted')}
        >
          {toast.action.label}
        </button>
      )}
      <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => closeAndGoOn('expired')}>
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
