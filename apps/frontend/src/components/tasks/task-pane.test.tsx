import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { emptyTask, initialTasks, type ListedTask } from '@/lib/tasks-reducer';
import type { TaskQuery } from '@/lib/types';
import type { Tasks } from '@/lib/use-tasks';
import { TaskPane } from './task-pane';

const query: TaskQuery = { status: 'pending', q: '', tag: '', priority: '', sort: 'newest' };
const task = (id: number, changes: Partial<ListedTask> = {}): ListedTask => ({
  ...emptyTask(id, 'u', '2026-11-23T09:00:00Z'),
  title: `Task ${id}`,
  ...changes,
});

const renderPane = (tasks: ListedTask[], changes: Partial<Tasks> = {}) => {
  const handlers = {
    reload: vi.fn(),
    loadMore: vi.fn(),
    add: vi.fn().mockResolvedValue(undefined),
    toggle: vi.fn().mockResolvedValue(undefined),
    save: vi.fn().mockResolvedValue(null),
    remove: vi.fn(),
    complete: vi.fn().mockResolvedValue(undefined),
    finishDeletes: vi.fn().mockResolvedValue(undefined),
    leave: vi.fn(),
    applyTool: vi.fn(),
  };
  const state = initialTasks({ tasks, nextCursor: null }, query);
  render(<TaskPane userId="u" tasks={{ state, progress: null, ...handlers, ...changes }} query={query} onQuery={vi.fn()} />);
  return handlers;
};
const pass = (ms: number): void =>
  act(() => {
    vi.advanceTimersByTime(ms);
  });
const button = (name: string): HTMLElement => screen.getByRole('button', { name });

beforeEach(() => void vi.useFakeTimers({ shouldAdvanceTime: true }));
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

test('deleted with a pointer, the focus goes to the task beside it; by keyboard, Undo is to take it', () => {
  const { remove } = renderPane([task(3), task(2), task(1)]);
  fireEvent.click(button('Delete Task 2'), { detail: 1 });
  expect(document.activeElement).toBe(button('Task 1'));
  fireEvent.click(button('Delete Task 1'), { detail: 0 });
  expect(remove.mock.calls.map(([, focus]): unknown => focus)).toEqual([
    { takesFocus: false, near: ['#task-2 .task-title', '#task-1 .task-title', '#task-3 .task-title'] },
    { takesFocus: true, near: ['#task-1 .task-title', '#task-2 .task-title'] },
  ]);
});

test('the last task deleted, the focus goes to the heading', () => {
  renderPane([task(1)]);
  fireEvent.click(button('Delete Task 1'), { detail: 1 });
  expect(document.activeElement).toBe(screen.getByRole('heading', { name: 'Tasks' }));
});

test('many completed: the bar stays until it is done, and the focus does not go with it', async () => {
  let finish: () => void = () => undefined;
  renderPane([task(1)], { complete: () => new Promise((resolve) => (finish = resolve)) });
  fireEvent.click(button('Select'));
  fireEvent.click(screen.getByRole('checkbox', { name: 'Select Task 1' }));
  button('Complete').focus();
  fireEvent.click(button('Complete'));
  expect(screen.getByRole('toolbar')).toBeDefined();
  await act(async () => {
    finish();
    await Promise.resolve();
  });
  expect(screen.queryByRole('toolbar')).toBeNull();
  expect(document.activeElement).toBe(button('Select'));
});

test('how far it is, is shown, and nothing else can be begun', () => {
  const { complete, remove } = renderPane([task(1), task(2)], { progress: { done: 1, total: 2 } });
  fireEvent.click(button('Select'));
  expect(screen.getByRole<HTMLProgressElement>('progressbar', { name: 'Completing' }).value).toBe(1);
  fireEvent.click(screen.getByRole('checkbox', { name: 'Select all' }));
  fireEvent.click(button('Complete'));
  fireEvent.click(button('Delete'));
  expect(complete).not.toHaveBeenCalled();
  expect(remove).not.toHaveBeenCalled();
});

test('all are selected but the one that has no number yet', () => {
  const { complete } = renderPane([task(-1, { saving: true }), task(2), task(1)]);
  fireEvent.click(button('Select'));
  fireEvent.click(screen.getByRole('checkbox', { name: 'Select all' }));
  expect(screen.getByRole<HTMLInputElement>('checkbox', { name: '2 selected' }).checked).toBe(true);
  fireEvent.click(button('Complete'));
  expect(complete).toHaveBeenCalledWith([task(2), task(1)]);
});

test('a task that the filters no longer let through leaves once the reader has gone on', () => {
  const { leave } = renderPane([task(2, { completed: true }), task(1)]);
  screen.getByRole('checkbox', { name: 'Complete Task 2' }).focus();
  pass(4000);
  expect(leave).not.toHaveBeenCalled();
  screen.getByRole('checkbox', { name: 'Complete Task 1' }).focus();
  pass(4000);
  expect(leave).toHaveBeenCalledWith([2]);
});
