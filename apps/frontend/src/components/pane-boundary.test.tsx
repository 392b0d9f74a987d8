import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import ErrorPage from '@/app/error';
import { PaneBoundary } from './pane-boundary';

afterEach(cleanup);

test('what breaks in one pane leaves the other, and can be tried again', () => {
  vi.spyOn(console, 'error').mockReturnValue();
  const broken = { now: true };
  const Chat = () => {
    if (broken.now) throw new Error('A message that cannot be drawn');
    return <p>Hello</p>;
  };
  render(
    <>
      <PaneBoundary id="tasks" className="task-pane" what="The task list">
        <p>Buy milk</p>
      </PaneBoundary>
      <PaneBoundary id="chat" className="chat-pane" what="The conversation">
        <Chat />
      </PaneBoundary>
    </>,
  );
  expect(screen.getByText('Buy milk')).toBeDefined();
  expect(screen.getByRole('alert').textContent).toContain('The conversation cannot be shown.');
  broken.now = false;
  fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(screen.getByText('Hello')).toBeDefined();
  expect(screen.queryByRole('alert')).toBeNull();
});

test('a page that failed asks the server again', () => {
  const retry = vi.fn();
  render(<ErrorPage error={Object.assign(new Error('x'), { digest: '42' })} retry={retry} />);
  expect(screen.getByText('42')).toBeDefined();
  fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(retry).toHaveBeenCalledTimes(1);
});
