'use client';

import { useEffect, useRef, type SubmitEvent, type KeyboardEvent, type MouseEvent, type Ref } from 'react';
import { lengthOf } from '@/lib/length';
import { Icon } from '../icons';

type Props = {
  ref: Ref<HTMLTextAreaElement>;
  value: string;
  onChange: (value: string) => void;
  busy: boolean;
  onSend: () => void;
  onStop: () => void;
};

const maxMessage = 4000;

export const Composer = ({ ref, value, onChange, busy, onSend, onStop }: Props) => {
  const isComposing = useRef(false);
  const length = lengthOf(value);
  const tooLong = length > maxMessage;
  const canSend = !busy && value.trim() !== '' && !tooLong;

  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (canSend) onSend();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // Enter also ends the composition of a Japanese or Chinese word; that must not send.
    if (event.key !== 'Enter' || event.shiftKey || isComposing.current || event.nativeEvent.isComposing) return;
    event.preventDefault();
    if (canSend) onSend();
  };

  // Send and Stop take each other's place: the second click of a double click was meant for the first.
  const isRepeated = (event: MouseEvent): boolean => event.detail > 1;

  return (
    <form className="composer" onSubmit={submit}>
      <label className="visually-hidden" htmlFor="composer">
        Message the assistant
      </label>
      <textarea
        id="composer"
        ref={ref}
        dir="auto"
        rows={1}
        placeholder="Tell the assistant…"
        value={value}
        aria-describedby="composer-hint"
        aria-invalid={tooLong}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={onKeyDown}
        onCompositionStart={() => {
          isComposing.current = true;
        }}
        onCompositionEnd={() => {
          isComposing.current = false;
        }}
      />
      {/* Keys: one element for both would turn into Send while it is clicked as Stop, and send the draft. */}
      {busy ? (
        <button
          key="stop"
          type="button"
          className="send-button"
          aria-label="Stop"
          onClick={(event) => {
            if (!isRepeated(event)) onStop();
          }}
        >
          <Icon name="stop" />
        </button>
      ) : (
        <button
          key="send"
          type="submit"
          className="send-button"
          disabled={!canSend}
          aria-label="Send"
          onClick={(event) => {
            if (isRepeated(event)) event.preventDefault();
          }}
        >
          <Icon name="send" />
        </button>
      )}
      <p id="composer-hint" className={tooLong ? 'composer-hint field-error' : 'composer-hint'}>
        {tooLong
          ? `At most ${maxMessage} characters; this has ${length}.`
          : 'Enter sends, Shift + Enter starts a new line.'}
      </p>
    </form>
  );
};

/** Moves the focus into the composer when a turn is over and nothing else has taken it. */
export const useFocusBack = (busy: boolean): { composerRef: Ref<HTMLTextAreaElement>; focus: () => void } => {
  const element = useRef<HTMLTextAreaElement>(null);
  const wasBusy = useRef(busy);
  useEffect(() => {
    const active = document.activeElement;
    if (wasBusy.current && !busy && (active === null || active === document.body)) element.current?.focus();
    wasBusy.current = busy;
  }, [busy]);
  return { composerRef: element, focus: () => element.current?.focus() };
};
