'use client';

import { useEffect, useRef, useState, type SubmitEvent, type KeyboardEvent, type Ref } from 'react';
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
  const tooLong = value.length > maxMessage;
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
      {busy ? (
        <button type="button" className="send-button" onClick={onStop} aria-label="Stop">
          <Icon name="stop" />
        </button>
      ) : (
        <button type="submit" className="send-button" disabled={!canSend} aria-label="Send">
          <Icon name="send" />
        </button>
      )}
      <p id="composer-hint" className={tooLong ? 'composer-hint field-error' : 'composer-hint'}>
        {tooLong
          ? `At most ${maxMessage} characters; this has ${value.length}.`
          : 'Enter sends, Shift + Enter starts a new line.'}
      </p>
    </form>
  );
};

/** Moves the focus into the composer when a turn is over and nothing else has taken it. */
export const useFocusBack = (busy: boolean): { composerRef: Ref<HTMLTextAreaElement>; focus: () => void } => {
  const element = useRef<HTMLTextAreaElement>(null);
  const [wasBusy, setWasBusy] = useState(busy);
  if (wasBusy !== busy) setWasBusy(busy);
  useEffect(() => {
    if (busy) return;
    const active = document.activeElement;
    if (wasBusy && (active === null || active === document.body)) element.current?.focus();
  }, [busy, wasBusy]);
  return { composerRef: element, focus: () => element.current?.focus() };
};
