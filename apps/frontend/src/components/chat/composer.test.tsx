import { cleanup, createEvent, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { Composer } from './composer';

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

test('while a reply comes, Enter waits and the button stops it', () => {
  const { onSend, onStop, field } = renderComposer({ busy: true });
  fireEvent.keyDown(field, { key: 'Enter' });
  fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
  expect(onSend).not.toHaveBeenCalled();
  expect(onStop).toHaveBeenCalledTimes(1);
});
