import { act, cleanup, renderHook, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { emptyTask, type ListedTask } from './tasks-reducer';
import type { TaskQuery } from './types';
import { useTasks } from './use-tasks';
import type { Toast } from './use-toasts';

const at = '2026-11-23T09:00:00Z';
const task = (id: number, changes: Partial<ListedTask> = {}): ListedTask => ({ ...emptyTask(id, 'u', at), title: `Task ${id}`, ...changes });
const allTasks: TaskQuery = { status: 'all', q: '', tag: '', priority: '', sort: 'newest' };

const fetchMock = vi.fn<typeof fetch>();
const showToast = vi.fn<(toast: Omit<Toast, 'id'>) => () => void>();
const closeToast = vi.fn();
const onSignedOut = vi.fn();

const pathOf = (input: Parameters<typeof fetch>[0]): string => (typeof input === 'string' ? input : '');
const requests = (method: string): string[] =>
  fetchMock.mock.calls.filter(([, init]) => init?.method === method).map(([input]) => pathOf(input));
const refusal = (status: number): Promise<Response> => Promise.resolve(new Response('', { status }));
/** Answers every request for a task with the task, changed as asked. */
const accept: typeof fetch = (input, init) => {
  if (init?.method === 'DELETE') return refusal(204);
  if (init?.method === undefined) return Promise.resolve(Response.json({ items: [], next_cursor: null }));
  const changes = JSON.parse(typeof init.body === 'string' ? init.body : '{}') as Partial<ListedTask>;
  return Promise.resolve(Response.json(task(Number(pathOf(input).split('/').at(-1)) || 99, changes)));
};

const renderTasks = (tasks: ListedTask[], query = allTasks) =>
  renderHook(() =>
    useTasks({ userId: 'u', query, firstPage: { tasks, nextCursor: null }, showToast, onSignedOut }),
  ).result;
const toasts = (): Omit<Toast, 'id'>[] => showToast.mock.calls.map(([toast]) => toast);

beforeEach(() => {
  vi.resetAllMocks();
  vi.stubGlobal('fetch', fetchMock);
  fetchMock.mockImplementation(accept);
  showToast.mockReturnValue(closeToast);
});
afterEach(cleanup);

test('ticking says what is wanted; refused, it goes back and can be tried again', async () => {
  fetchMock.mockImplementationOnce(() => refusal(503));
  const result = renderTasks([task(1)]);
  await act(() => result.current.toggle(task(1)));
  expect(result.current.state.tasks[0]?.completed).toBe(false);
  const [toast] = toasts();
  expect(toast).toMatchObject({ text: '“Task 1” is unchanged. The service is not ready yet.', action: { label: 'Try again' } });
  act(() => toast?.action?.run());
  await waitFor(() => expect(result.current.state.tasks[0]).toMatchObject({ completed: true }));
  expect(fetchMock.mock.calls[1]?.[1]?.body).toBe('{"completed":true}');
});

test('an error that is not the service’s is shown as well', async () => {
  vi.spyOn(console, 'error').mockReturnValue();
  fetchMock.mockImplementationOnce(() => Promise.resolve(new Response('<html>')));
  const result = renderTasks([task(1)]);
  await act(() => result.current.toggle(task(1)));
  expect(toasts()).toMatchObject([{ text: '“Task 1” is unchanged. Something went wrong on this page.' }]);
});

test.each([false, true])('the successor of a recurring task comes and goes with it (completed before: %s)', async (completed) => {
  const result = renderTasks([task(1)]);
  await act(() => result.current.toggle(task(1, { recurrence: 'daily', completed })));
  expect(fetchMock.mock.calls.filter(([, init]) => init?.method === undefined)).toHaveLength(1);
});

test('refused, a tick takes nothing back of a version that came meanwhile', async () => {
  let refuse: () => void = () => undefined;
  fetchMock.mockImplementationOnce(() => new Promise((resolve) => (refuse = () => resolve(new Response('', { status: 503 })))));
  const result = renderTasks([task(1)]);
  act(() => void result.current.toggle(task(1)));
  const newer = task(1, { title: 'Newer', completed: true, updated_at: '2026-11-23T10:00:00Z' });
  fetchMock.mockResolvedValueOnce(Response.json({ items: [newer], next_cursor: null }));
  act(() => result.current.reload());
  await waitFor(() => expect(result.current.state.tasks).toEqual([newer]));
  await act(async () => {
    refuse();
    await vi.waitFor(() => expect(toasts()).toHaveLength(1));
  });
  expect(result.current.state.tasks).toEqual([newer]);
});

test('a task that was deleted elsewhere leaves the list when it is ticked, and is not tried again', async () => {
  fetchMock.mockImplementationOnce(() => refusal(404));
  const result = renderTasks([task(1), task(2)]);
  await act(() => result.current.toggle(task(1)));
  expect(result.current.state.tasks.map(({ id }) => id)).toEqual([2]);
  expect(toasts()).toEqual([{ tone: 'error', text: '“Task 1” was deleted elsewhere.' }]);
});

test('many are completed: those deleted elsewhere leave the list, and are not tried again', async () => {
  fetchMock.mockImplementationOnce(() => refusal(404)).mockImplementationOnce(() => refusal(422));
  const result = renderTasks([task(1), task(2), task(3)]);
  await act(() => result.current.complete(result.current.state.tasks));
  expect(result.current.state.tasks.map(({ id, completed }) => [id, completed])).toEqual([[2, false], [3, true]]);
  expect(toasts()[0]?.text).toMatch(/^1 of 3 tasks not completed/);
  fetchMock.mockImplementationOnce(() => refusal(404));
  await act(async () => {
    toasts()[0]?.action?.run();
    await vi.waitFor(() => expect(toasts()).toHaveLength(2));
  });
  expect(toasts()[1]).toEqual({ tone: 'info', text: 'Completed 0 tasks. Deleted elsewhere: 1.' });
});

test('many are completed with one notice', async () => {
  const result = renderTasks([task(1), task(2), task(3, { completed: true })]);
  await act(() => result.current.complete(result.current.state.tasks));
  expect(result.current.state.tasks.every(({ completed }) => completed)).toBe(true);
  expect(requests('PUT')).toEqual(['/api/u/tasks/1', '/api/u/tasks/2']);
  expect(toasts()).toEqual([{ tone: 'info', text: 'Completed 2 tasks.' }]);
  expect(result.current.progress).toBeNull();
});

test('completing many says how far it is, four at a time', async () => {
  const answers: (() => void)[] = [];
  fetchMock.mockImplementation((path, init) => new Promise((resolve) => answers.push(() => resolve(accept(path, init)))));
  const result = renderTasks(Array.from({ length: 6 }, (_, index) => task(index + 1)));
  act(() => void result.current.complete(result.current.state.tasks));
  expect(result.current.progress).toEqual({ done: 0, total: 6 });
  expect(answers).toHaveLength(4);
  await act(async () => {
    answers[0]?.();
    await vi.waitFor(() => expect(answers).toHaveLength(5));
  });
  expect(result.current.progress).toEqual({ done: 1, total: 6 });
});

test.each([503, 401])('completing many ends at the first %d', async (status) => {
  fetchMock.mockImplementation(() => refusal(status));
  const result = renderTasks(Array.from({ length: 20 }, (_, index) => task(index + 1)));
  await act(() => result.current.complete(result.current.state.tasks));
  expect(requests('PUT').length).toBeLessThanOrEqual(4);
  expect(result.current.state.tasks.some(({ completed }) => completed)).toBe(false);
  if (status === 401) expect(onSignedOut).toHaveBeenCalledTimes(1);
  else expect(toasts()).toMatchObject([{ text: '20 of 20 tasks not completed. The service is not ready yet.' }]);
});

test('what could not be deleted is shown again, with one notice; what is gone already is gone', async () => {
  fetchMock.mockImplementationOnce(() => refusal(404)).mockImplementation(() => refusal(503));
  const tasks = [task(1), task(2), task(3)];
  const result = renderTasks(tasks);
  act(() => result.current.remove(tasks, {}));
  expect(result.current.state.hidden.size).toBe(3);
  act(() => toasts()[0]?.onExpire?.());
  await waitFor(() => expect(toasts()[1]?.text).toBe('2 of 3 tasks were not deleted. The service is not ready yet.'));
  expect(result.current.state.tasks.map(({ id }) => id)).toEqual([2, 3]);
  expect(result.current.state.hidden.size).toBe(0);
  fetchMock.mockImplementation(accept);
  act(() => toasts()[1]?.action?.run());
  await waitFor(() => expect(result.current.state.tasks).toEqual([]));
});

test('deletes that wait for their undo can be done at once, and then not twice', async () => {
  const result = renderTasks([task(1), task(2)]);
  act(() => result.current.remove([task(1)], {}));
  expect(closeToast).not.toHaveBeenCalled();
  await act(() => result.current.finishDeletes());
  expect(closeToast).toHaveBeenCalledTimes(1);
  act(() => toasts()[0]?.onExpire?.());
  window.dispatchEvent(new Event('pagehide'));
  expect(requests('DELETE')).toEqual(['/api/u/tasks/1']);
  act(() => result.current.remove([task(2)], {}));
  fetchMock.mockImplementation(() => refusal(503));
  await act(() => expect(result.current.finishDeletes()).rejects.toMatchObject({ status: 503 }));
  expect(result.current.state.hidden.size).toBe(0);
});

test('a page that is left deletes what waits for its undo', () => {
  const result = renderTasks([task(1)]);
  act(() => result.current.remove([task(1)], {}));
  window.dispatchEvent(new Event('pagehide'));
  expect(fetchMock.mock.calls).toMatchObject([['/api/u/tasks/1', { method: 'DELETE', keepalive: true }]]);
});

test('a task that was refused can be tried again unless its text was given back', async () => {
  fetchMock.mockImplementation(() => refusal(503));
  const result = renderTasks([]);
  await act(() => result.current.add({ title: 'Milk' }, () => true));
  await act(() => result.current.add({ title: 'Bread' }, () => false));
  expect(toasts().map(({ action }) => action?.label)).toEqual([undefined, 'Try again']);
  expect(result.current.state.tasks).toEqual([]);
});

test('a task that the filters hide does not join the list, and the page says so', async () => {
  const result = renderTasks([], { ...allTasks, status: 'completed' });
  await act(() => result.current.add({ title: 'Milk' }, () => true));
  expect(result.current.state.tasks).toEqual([]);
  expect(toasts()).toEqual([{ tone: 'info', text: 'Added “Milk”. The filters hide it.' }]);
});

test('an edit that is refused answers why and says nothing else', async () => {
  fetchMock.mockImplementationOnce(() => refusal(412));
  const result = renderTasks([task(1)]);
  const refused = await act(() => result.current.save(task(1), { title: 'New' }));
  expect(refused).toEqual({
    text: '“Task 1” was not saved. This was changed elsewhere in the meantime.',
    changedElsewhere: true,
  });
  expect(showToast).not.toHaveBeenCalled();
});
