import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Toasts } from './toasts';

const close = vi.fn();

beforeEach(() => {
  close.mockReset();
  vi.useFakeTimers();
  render(
    <Toasts
      close={close}
      toasts={[{ id: 1, tone: 'info', text: 'Deleted “Rest”.', action: { label: 'Undo', run: vi.fn() } }]}
    />,
  );
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const pass = (ms: number): void =>
  act(() => {
    vi.advanceTimersByTime(ms);
  });

test('goes by itself after eight seconds', () => {
  pass(7999);
  expect(close).not.toHaveBeenCalled();
  pass(1);
  expect(close.mock.calls).toEqual([[1, 'expired']]);
});

test.each([
  ['pointed at', fireEvent.pointerEnter, fireEvent.pointerLeave],
  ['focused', fireEvent.focus, fireEvent.blur],
])('stays while it is %s', (_, enter, leave) => {
  enter(screen.getByRole('listitem'));
  pass(60_000);
  expect(close).not.toHaveBeenCalled();
  leave(screen.getByRole('listitem'));
  pass(8000);
  expect(close).toHaveBeenCalledTimes(1);
});

test('its action and its dismissal are told apart', () => {
  fireEvent.click(screen.getByRole('button', { name: 'Undo' }));
  fireEvent.click(screen.getByRole('button', { name: 'Dismiss' }));
  expect(close.mock.calls).toEqual([[1, 'acted'], [1, 'expired']]);
});
