import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiError } from '@/lib/api';
import { TopBar } from './top-bar';

const fetchMock = vi.fn<typeof fetch>();
const assign = vi.fn();
const beforeSignOut = vi.fn<() => Promise<void>>();

beforeEach(() => {
  vi.resetAllMocks();
  vi.stubGlobal('fetch', fetchMock);
  vi.spyOn(location, 'assign').mockImplementation(assign);
  beforeSignOut.mockResolvedValue();
  fetchMock.mockResolvedValue(new Response(null, { status: 204 }));
  render(<TopBar user={{ id: 'u', email: 'a@b.c', name: 'Ada' }} theme="light" beforeSignOut={beforeSignOut} />);
});
afterEach(cleanup);

const signOut = (): boolean => fireEvent.click(screen.getByRole('button', { name: /^Sign out/ }));

test('what waits for its undo is done before the session ends', async () => {
  let finish: () => void = () => undefined;
  beforeSignOut.mockReturnValue(new Promise((resolve) => (finish = resolve)));
  signOut();
  signOut();
  expect(fetchMock).not.toHaveBeenCalled();
  finish();
  await vi.waitFor(() => expect(assign).toHaveBeenCalledWith('/sign-in'));
  expect(fetchMock.mock.calls.map(([path]) => path)).toEqual(['/api/auth/logout']);
});

test('a session that was over is signed out', async () => {
  fetchMock.mockResolvedValue(new Response('', { status: 401 }));
  signOut();
  await vi.waitFor(() => expect(assign).toHaveBeenCalledWith('/sign-in'));
});

test.each([
  ['the service', () => fetchMock.mockResolvedValueOnce(new Response('', { status: 503 }))],
  ['what had to be done before', () => beforeSignOut.mockRejectedValueOnce(new ApiError(503, 'The service is not ready yet.'))],
])('where %s fails, the reader is not told to be signed out, and can try again', async (_, fail) => {
  fail();
  signOut();
  expect((await screen.findByRole('alert')).textContent).toBe('You are still signed in. The service is not ready yet.');
  expect(assign).not.toHaveBeenCalled();
  signOut();
  await vi.waitFor(() => expect(assign).toHaveBeenCalledWith('/sign-in'));
});
