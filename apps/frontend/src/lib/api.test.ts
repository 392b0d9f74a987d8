import { expect, test, vi } from 'vitest';
import { ApiError, createTask, listTasks, messageOf, readProblem, send, setCompleted, taskSearch, updateTask } from './api';
import type { Task } from './types';

const problem = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json', ...headers } });

test('problem details name each field', async () => {
  const error = await readProblem(
    problem(422, { title: 'Unprocessable Content', detail: 'title: too short', errors: [{ field: 'title', message: 'too short' }] }),
  );
  expect(error).toMatchObject({ status: 422, message: 'title: too short', fields: { title: 'too short' }, isTemporary: false });
});

test('Retry-After is told', async () => {
  const error = await readProblem(problem(429, { detail: 'Too many sign-ins.' }, { 'retry-after': '30' }));
  expect(error.message).toBe('Too many sign-ins. Try again in 30 s.');
});

test("an ingress's own error page becomes a sentence", async () => {
  const error = await readProblem(new Response('<html>Bad Gateway</html>', { status: 502, headers: { 'content-type': 'text/html' } }));
  expect(error).toMatchObject({ message: 'The service is restarting.', isTemporary: true });
});

test('no answer at all is temporary; a cancelled request is not an error of the service', async () => {
  vi.stubGlobal('fetch', vi.fn().mockRejectedValueOnce(new TypeError('Failed to fetch')));
  await expect(send('/api/x')).rejects.toMatchObject({ status: 0, isTemporary: true });
  vi.stubGlobal('fetch', vi.fn().mockRejectedValueOnce(new DOMException('x', 'AbortError')));
  await expect(send('/api/x')).rejects.not.toBeInstanceOf(ApiError);
});

test('a query asks only for what it filters by', () => {
  expect(taskSearch({ status: 'all', q: ' ', tag: '', priority: '', sort: 'newest' }).toString()).toBe('limit=50&sort=-created_at');
  expect(
    Object.fromEntries(taskSearch({ status: 'pending', q: 'milk ', tag: 'home', priority: 'high', sort: 'due' }, 'next')),
  ).toEqual({ limit: '50', sort: 'due_at', status: 'pending', q: 'milk', tag: 'home', priority: 'high', cursor: 'next' });
});

test('a user id is escaped in the path', async () => {
  const fetch = vi.fn().mockResolvedValue(Response.json({ items: [], next_cursor: null }));
  vi.stubGlobal('fetch', fetch);
  await listTasks('a/../b', { status: 'all', q: '', tag: '', priority: '', sort: 'newest' });
  expect(fetch.mock.calls[0]?.[0]).toMatch(/^\/api\/a%2F\.\.%2Fb\/tasks\?/);
});

test('completing says what is wanted, so that it is the same when it is said twice', async () => {
  const fetch = vi.fn<typeof globalThis.fetch>().mockResolvedValue(Response.json({}));
  vi.stubGlobal('fetch', fetch);
  await setCompleted('u', 7, true);
  expect(fetch.mock.calls[0]).toMatchObject(['/api/u/tasks/7', { method: 'PUT', body: '{"completed":true}' }]);
});

test('an error of the page itself is told in words, and goes to the console', () => {
  const log = vi.spyOn(console, 'error').mockReturnValue();
  expect(messageOf(new ApiError(503, 'The service is not ready yet.'))).toBe('The service is not ready yet.');
  expect(log).not.toHaveBeenCalled();
  const error = new TypeError('undefined is not a function');
  expect(messageOf(error)).toBe('Something went wrong on this page.');
  expect(log).toHaveBeenCalledWith(error);
});

test('a due date is sent with its clock, and nothing else is', async () => {
  const fetch = vi.fn<typeof globalThis.fetch>().mockImplementation(() => Promise.resolve(Response.json({})));
  vi.stubGlobal('fetch', fetch);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const task = { id: 7, updated_at: 'now' } as Task;
  await createTask('u', { title: 'Water the plants', due_at: '2026-11-25T22:59:00Z' });
  await createTask('u', { title: 'Call mom' });
  await updateTask('u', task, { recurrence: 'daily' });
  await updateTask('u', task, { title: 'Call dad' });
  const sent = fetch.mock.calls.map(([, init]) => JSON.parse(init?.body as string) as Record<string, unknown>);
  expect(sent.map((body) => body.time_zone)).toEqual([zone, undefined, zone, undefined]);
});
