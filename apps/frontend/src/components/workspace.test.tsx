import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { emptyTask } from '@/lib/tasks-reducer';
import { Workspace } from './workspace';

const fetchMock = vi.fn<typeof fetch>();
const tasks = [3, 2, 1].map((id) => ({ ...emptyTask(id, 'u', '2026-11-23T09:00:00Z'), title: `Task ${id}` }));

const renderWorkspace = (conversationId: number | null = null) =>
  render(
    <Workspace
      theme="light"
      user={{ id: 'u', email: 'a@b.c', name: 'Ada' }}
      engine={null}
      query={{ status: 'pending', q: '', tag: '', priority: '', sort: 'newest' }}
      firstPage={{ tasks, nextCursor: null }}
      conversationId={conversationId}
    />,
  );
const button = (name: string): HTMLElement => screen.getByRole('button', { name });

beforeEach(() => {
  vi.resetAllMocks();
  vi.stubGlobal('fetch', fetchMock);
  fetchMock.mockImplementation(() => Promise.resolve(new Response('', { status: 503 })));
});
afterEach(() => {
  cleanup();
  history.replaceState(null, '', '/');
});

test('the skip links lead to the tasks and to the composer, in the view that has them', () => {
  renderWorkspace();
  fireEvent.click(screen.getByRole('link', { name: 'Skip to the assistant' }));
  expect(screen.getByRole('main').dataset.view).toBe('chat');
  expect(document.activeElement).toBe(screen.getByLabelText('Message the assistant'));
  fireEvent.click(screen.getByRole('link', { name: 'Skip to the tasks' }));
  expect(screen.getByRole('main').dataset.view).toBe('tasks');
  expect(document.activeElement).toBe(screen.getByRole('list', { name: 'Tasks' }));
});

test('a task deleted by keyboard leaves the focus on Undo, and comes back with it', () => {
  renderWorkspace();
  button('Delete Task 2').focus();
  fireEvent.click(button('Delete Task 2'), { detail: 0 });
  expect(screen.queryByRole('button', { name: 'Task 2' })).toBeNull();
  expect(document.activeElement).toBe(button('Undo'));
  fireEvent.click(button('Undo'));
  expect(document.activeElement).toBe(button('Task 2'));
  expect(fetchMock).not.toHaveBeenCalled();
});

test('a task deleted for good by keyboard leaves the focus beside it', async () => {
  renderWorkspace();
  fetchMock.mockImplementation(() => Promise.resolve(new Response(null, { status: 204 })));
  button('Delete Task 2').focus();
  fireEvent.click(button('Delete Task 2'), { detail: 0 });
  fireEvent.click(button('Dismiss'));
  expect(document.activeElement).toBe(button('Task 1'));
  await vi.waitFor(() => expect(fetchMock.mock.calls[0]).toMatchObject(['/api/u/tasks/2', { method: 'DELETE' }]));
});

test.each([
  [204, []],
  [503, ['Not everything was deleted. The service is not ready yet.']],
])('what the page hides is deleted before the assistant is asked (%d)', async (status, notices) => {
  renderWorkspace();
  fetchMock.mockImplementation((_, init) => Promise.resolve(new Response(null, { status: init?.method === 'DELETE' ? status : 400 })));
  fireEvent.click(button('Delete Task 2'));
  fireEvent.click(button("What's pending?"));
  await vi.waitFor(() => expect(fetchMock.mock.calls.some(([path]) => path === '/api/u/chat')).toBe(true));
  expect(fetchMock.mock.calls.slice(0, 2)).toMatchObject([
    ['/api/u/tasks/2', { method: 'DELETE' }],
    ['/api/u/chat', { method: 'POST' }],
  ]);
  // No undo is offered for what is gone, or never went.
  expect(screen.queryByRole('button', { name: 'Undo' })).toBeNull();
  const shown = screen.getByRole('region', { name: 'Notices' }).querySelectorAll('.toast > span');
  expect([...shown].map((notice) => notice.textContent)).toEqual(notices);
  expect(screen.queryByRole('button', { name: 'Task 2' }) === null).toBe(status === 204);
});

test('a conversation of the address that is gone leaves a new one, and says so', async () => {
  history.replaceState(null, '', '?conversation=7');
  fetchMock.mockImplementation(() => Promise.resolve(new Response('', { status: 404 })));
  renderWorkspace(7);
  expect(await screen.findByText('The conversation could not be opened. This no longer exists.')).toBeDefined();
  await act(() => Promise.resolve());
  expect(location.search).toBe('');
});
