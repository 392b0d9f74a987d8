import { cleanup, createEvent, fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { afterEach, expect, test, vi } from 'vitest';
import { Composer, useFocusBack } from './composer';

afterEach(cleanup);

const renderComposer = (changes: Partial<Parameters<typeof Composer>[0]> = {}) => {
  const onSend = vi.fn();
  const onStop = vi.fn();
  render(<Composer ref={null} value="Hello" busy={false} onChange={vi.fn()} onSend={onSend} onStop={onStop} {...changes} />);
  return { onSend, onStop, field: screen.getByLabelText('Message the assistant') };
};

test('Enter sends, Shift + Enter does not', () => {
  const { onSend, field } = renderComposer();
  fireEvent.keyDown(field, { key: 'Enter', shiftKey: true });
  expect(onSend).not.toHaveBeenCalled();
  fireEvent.keyDown(field, { key: 'Enter' });
  expect(onSend).toHaveBeenCalledTimes(1);
});

test('the Enter that ends a composed word does not send', () => {
  const { onSend, field } = renderComposer();
  fireEvent.compositionStart(field);
  fireEvent.keyDown(field, { key: 'Enter' });
  fireEvent.compositionEnd(field);
  // Safari ends the composition before it sends the key.
  const late = createEvent.keyDown(field, { key: 'Enter' });
  Object.defineProperty(late, 'isComposing', { value: true });
  fireEvent(field, late);
  expect(onSend).not.toHaveBeenCalled();
});

test.each([
  ['blank', '  \n'],
  ['too long', 'x'.repeat(4001)],
])('a %s message is not sent', (_, value) => {
  const { onSend, field } = renderComposer({ value });
  fireEvent.keyDown(field, { key: 'Enter' });
  expect(onSend).not.toHaveBeenCalled();
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Send' }).disabled).toBe(true);
});

test('as many emoji as a message may have characters are sent', () => {
  const { onSend, field } = renderComposer({ value: '🥛'.repeat(4000) });
  fireEvent.keyDown(field, { key: 'Enter' });
  expect(onSend).toHaveBeenCalledTimes(1);
});

test('while a reply comes, Enter waits and the button stops it', () => {
  const { onSend, onStop, field } = renderComposer({ busy: true });
  fireEvent.keyDown(field, { key: 'Enter' });
  fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
  expect(onSend).not.toHaveBeenCalled();
  expect(onStop).toHaveBeenCalledTimes(1);
});

/** A composer that is busy until it is stopped, as the page has it. */
const Stoppable = ({ onSend }: { onSend: () => void }) => {
  const [busy, setBusy] = useState(true);
  return <Composer ref={null} value="Draft" busy={busy} onChange={vi.fn()} onSend={onSend} onStop={() => setBusy(false)} />;
};

test('Stop does not send what is typed meanwhile', () => {
  const onSend = vi.fn();
  render(<Stoppable onSend={onSend} />);
  const stop = screen.getByRole('button', { name: 'Stop' });
  fireEvent.click(stop);
  expect(screen.getByRole('button', { name: 'Send' })).not.toBe(stop);
  expect(onSend).not.toHaveBeenCalled();
});

test('the second click of a double click is not taken for the button that came in place of the first', () => {
  const { onStop } = renderComposer({ busy: true });
  fireEvent.click(screen.getByRole('button', { name: 'Stop' }), { detail: 2 });
  expect(onStop).not.toHaveBeenCalled();
  cleanup();
  const { onSend } = renderComposer();
  fireEvent.click(screen.getByRole('button', { name: 'Send' }), { detail: 2 });
  expect(onSend).not.toHaveBeenCalled();
  fireEvent.click(screen.getByRole('button', { name: 'Send' }), { detail: 1 });
  expect(onSend).toHaveBeenCalledTimes(1);
});

const FocusedBack = ({ busy }: { busy: boolean }) => {
  const { composerRef } = useFocusBack(busy);
  return (
    <>
      <button type="button">Elsewhere</button>
      <Composer ref={composerRef} value="" busy={busy} onChange={vi.fn()} onSend={vi.fn()} onStop={vi.fn()} />
    </>
  );
};

test('when a turn is over the focus comes back, for Stop has gone', () => {
  const { rerender } = render(<FocusedBack busy />);
  screen.getByRole('button', { name: 'Stop' }).focus();
  rerender(<FocusedBack busy={false} />);
  expect(document.activeElement).toBe(screen.getByLabelText('Message the assistant'));
});

test('the focus is not taken from what the reader is at, nor before any turn', () => {
  const { rerender } = render(<FocusedBack busy={false} />);
  expect(document.activeElement).toBe(document.body);
  rerender(<FocusedBack busy />);
  screen.getByRole('button', { name: 'Elsewhere' }).focus();
  rerender(<FocusedBack busy={false} />);
  expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Elsewhere' }));
});
