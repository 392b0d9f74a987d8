import { act, cleanup, renderHook } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { useConversationDeletes } from './use-conversation-deletes';
import type { Toast } from './use-toasts';

const talk = (id: number, title = `Talk ${id}`) => ({ id, title, updated_at: '2026-11-23T09:00:00Z' });
const fetchMock = vi.fn<typeof fetch>();
const closeToast = vi.fn();
const showToast = vi.fn<(toast: Omit<Toast, 'id'>) => () => void>();
const onError = vi.fn();
const onUndo = vi.fn();

const renderDeletes = () => renderHook(() => useConversationDeletes({ userId: 'u', showToast, onError })).result;
const deleted = (): unknown[] => fetchMock.mock.calls.map(([path]) => path);

beforeEach(() => {
  vi.resetAllMocks();
  vi.stubGlobal('fetch', fetchMock);
  fetchMock.mockImplementation(() => Promise.resolve(new Response(null, { status: 204 })));
  showToast.mockReturnValue(closeToast);
});
afterEach(cleanup);

test('it is deleted on the server only when no undo is offered any more', async () => {
  const result = renderDeletes();
  act(() => result.current.remove(talk(1, ''), { takesFocus: true, onUndo }));
  expect([...result.current.hidden]).toEqual([1]);
  const toast = showToast.mock.calls[0]?.[0];
  expect(toast).toMatchObject({ text: 'Deleted the conversation “Conversation 1”.', takesFocus: true });
  expect(fetchMock).not.toHaveBeenCalled();
  await act(async () => {
    toast?.onExpire?.();
    await Promise.resolve();
  });
  expect(deleted()).toEqual(['/api/u/conversations/1']);
  expect([...result.current.hidden]).toEqual([1]);
  expect(onUndo).not.toHaveBeenCalled();
});

test('undo brings it back', () => {
  const result = renderDeletes();
  act(() => result.current.remove(talk(1), { takesFocus: false, onUndo }));
  act(() => showToast.mock.calls[0]?.[0].action?.run());
  expect(result.current.hidden.size).toBe(0);
  expect(onUndo).toHaveBeenCalledTimes(1);
  window.dispatchEvent(new Event('pagehide'));
  expect(fetchMock).not.toHaveBeenCalled();
});

test.each([
  [503, [], 1],
  [404, [1], 0],
])('what could not be deleted is listed again; what is gone already is gone (%d)', async (status, hidden, errors) => {
  fetchMock.mockImplementation(() => Promise.resolve(new Response('', { status })));
  const result = renderDeletes();
  act(() => result.current.remove(talk(1), { takesFocus: false, onUndo }));
  await act(async () => {
    showToast.mock.calls[0]?.[0].onExpire?.();
    await vi.waitFor(() => expect(fetchMock).toHaveBeenCalledTimes(1));
    await new Promise((resolve) => setTimeout(resolve));
  });
  expect(onError).toHaveBeenCalledTimes(errors);
  expect([...result.current.hidden]).toEqual(hidden);
});

test('those that wait can be deleted at once, and then not twice', async () => {
  const result = renderDeletes();
  act(() => {
    result.current.remove(talk(1), { takesFocus: false, onUndo });
    result.current.remove(talk(2), { takesFocus: false, onUndo });
  });
  await act(() => result.current.finish());
  expect(closeToast).toHaveBeenCalledTimes(2);
  act(() => showToast.mock.calls[0]?.[0].onExpire?.());
  window.dispatchEvent(new Event('pagehide'));
  expect(deleted()).toEqual(['/api/u/conversations/1', '/api/u/conversations/2']);
  act(() => result.current.remove(talk(3), { takesFocus: false, onUndo }));
  fetchMock.mockImplementation(() => Promise.resolve(new Response('', { status: 503 })));
  await act(() => expect(result.current.finish()).rejects.toMatchObject({ status: 503 }));
  expect(result.current.hidden.has(3)).toBe(false);
});

test('a page that is left deletes what waits for its undo', () => {
  const result = renderDeletes();
  act(() => result.current.remove(talk(1), { takesFocus: false, onUndo }));
  window.dispatchEvent(new Event('pagehide'));
  expect(fetchMock.mock.calls).toMatchObject([['/api/u/conversations/1', { method: 'DELETE', keepalive: true }]]);
});
