import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ConversationMenu } from './conversation-menu';

const fetchMock = vi.fn<typeof fetch>();
const onOpen = vi.fn();
const onDelete = vi.fn();
const onError = vi.fn();

const page = (ids: number[], next: string | null = null): Response =>
  Response.json({
    items: ids.map((id) => ({ id, title: id === 9 ? '' : `Talk ${id}`, updated_at: '2026-11-23T09:00:00Z' })),
    next_cursor: next,
  });
const button = (name: string | RegExp): Promise<HTMLElement> => screen.findByRole('button', { name });
const openMenu = async (): Promise<void> => void fireEvent.click(await button('Earlier conversations'));

const menuOf = (...hidden: number[]) => (
  <ConversationMenu userId="u" current={2} hidden={new Set(hidden)} onOpen={onOpen} onDelete={onDelete} onError={onError} />
);
let rerender: ReturnType<typeof render>['rerender'];

beforeEach(() => {
  vi.resetAllMocks();
  vi.stubGlobal('fetch', fetchMock);
  ({ rerender } = render(menuOf()));
});
afterEach(cleanup);

test('it lists the conversations, marks the open one, and opens another', async () => {
  fetchMock.mockResolvedValueOnce(page([9, 2, 1]));
  await openMenu();
  expect((await button(/^Talk 2/)).getAttribute('aria-current')).toBe('true');
  expect(await button(/^Conversation 9/)).toBeDefined();
  fireEvent.click(await button(/^Talk 1/));
  expect(onOpen).toHaveBeenCalledWith(1);
  expect(screen.queryByRole('region')).toBeNull();
});

test('it reads on page by page, and the focus goes to the first of the new ones', async () => {
  fetchMock.mockResolvedValueOnce(page([4, 3], 'a/b')).mockResolvedValueOnce(page([2, 1]));
  await openMenu();
  fireEvent.click(await button('Show more'));
  const third = await button(/^Talk 2/);
  expect(fetchMock.mock.calls[1]?.[0]).toBe('/api/u/conversations?cursor=a%2Fb');
  await vi.waitFor(() => expect(document.activeElement).toBe(third));
  expect(await button(/^Talk 4/)).toBeDefined();
  expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull();
});

test('without conversations it says what will be here', async () => {
  fetchMock.mockResolvedValueOnce(page([]));
  await openMenu();
  expect(await screen.findByText('Conversations are kept here.')).toBeDefined();
});

test('a deleted conversation goes from the list, and the focus stays beside it', async () => {
  fetchMock.mockResolvedValueOnce(page([2, 1], 'a')).mockResolvedValueOnce(page([0]));
  await openMenu();
  fireEvent.click(await button('Delete conversation Talk 1'), { detail: 1 });
  expect(onDelete.mock.calls).toEqual([[expect.objectContaining({ id: 1 }), false]]);
  expect(document.activeElement).toBe(await button('Earlier conversations'));
  rerender(menuOf(1));
  expect(screen.queryByRole('button', { name: /^Talk 1/ })).toBeNull();
  // Pages that are read later still find their place.
  fireEvent.click(await button('Show more'));
  const third = await button(/^Talk 0/);
  await vi.waitFor(() => expect(document.activeElement).toBe(third));
  rerender(menuOf(0, 1, 2));
  expect(screen.getByText('Conversations are kept here.')).toBeDefined();
  rerender(menuOf());
  expect(await button(/^Talk 1/)).toBeDefined();
  fireEvent.click(await button('Delete conversation Talk 1'), { detail: 0 });
  expect(onDelete).toHaveBeenLastCalledWith(expect.objectContaining({ id: 1 }), true);
});

test('what cannot be read is reported', async () => {
  fetchMock.mockResolvedValueOnce(new Response('', { status: 503 }));
  await openMenu();
  await vi.waitFor(() => expect(onError).toHaveBeenCalledWith(expect.anything(), 'The conversations could not be read.'));
});

test.each([
  ['Escape', (panel: Element) => fireEvent.keyDown(panel, { key: 'Escape' })],
  ['a press elsewhere', () => fireEvent.pointerDown(document.body)],
])('%s closes it', async (_, act) => {
  fetchMock.mockResolvedValueOnce(page([1]));
  await openMenu();
  await button(/^Talk 1/);
  act(screen.getByRole('region'));
  expect(screen.queryByRole('region')).toBeNull();
});
