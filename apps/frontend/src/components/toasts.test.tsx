import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
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
  ['offers to try again stays', { action: { label: 'Try again', run: vi.fn() } }, 0],
  ['offers nothing goes', {}, 1],
])('an error that %s', (_, changes, times) => {
  cleanup();
  render(<Toasts close={close} toasts={[{ id: 3, tone: 'error', text: '“Milk” was not added.', ...changes }]} />);
  pass(60_000);
  expect(close).toHaveBeenCalledTimes(times);
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

test('an action that takes the focus has it, and says what it undoes', () => {
  cleanup();
  const action = { label: 'Undo', run: vi.fn() };
  render(<Toasts close={close} toasts={[{ id: 2, tone: 'info', text: 'Deleted “Rest”.', action, takesFocus: true }]} />);
  const undo = screen.getByRole('button', { name: 'Undo' });
  expect(document.activeElement).toBe(undo);
  expect(document.getElementById(undo.getAttribute('aria-describedby') ?? '')?.textContent).toBe('Deleted “Rest”.');
  pass(60_000);
  expect(close).not.toHaveBeenCalled();
});

describe('when a toast is pressed away', () => {
  const Page = () => {
    const [toasts, setToasts] = useState([
      { id: 1, tone: 'info' as const, text: 'Deleted.', action: { label: 'Undo', run: vi.fn() }, near: ['#gone', '#near'] },
    ]);
    return (
      <>
        <input aria-label="Composer" />
        <button type="button" id="near">
          Near
        </button>
        <Toasts toasts={toasts} close={() => setToasts([])} />
      </>
    );
  };
  beforeEach(() => {
    cleanup();
    render(<Page />);
  });

  test('the focus goes back to where it came from', () => {
    const composer = screen.getByLabelText('Composer');
    composer.focus();
    fireEvent.focus(screen.getByRole('button', { name: 'Dismiss' }), { relatedTarget: composer });
    fireEvent.click(screen.getByRole('button', { name: 'Dismiss' }));
    expect(document.activeElement).toBe(composer);
  });

  test.each(['Undo', 'Dismiss'])('%s: it goes to the place near, where it came from nowhere', (name) => {
    screen.getByRole('button', { name }).focus();
    fireEvent.click(screen.getByRole('button', { name }));
    expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Near' }));
  });
});
