import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ConversationMenu } from './conversation-menu';

const fetchMock = vi.fn<typeof fetch>();
const onOpen = vi.fn();
const onError = vi.fn();

const page = (ids: number[], next: string | null = null): Response =>
  Response.json({
    items: ids.map((id) => ({ id, title: id === 9 ? '' : `Talk ${id}`, updated_at: '2026-11-23T09:00:00Z' })),
    next_cursor: next,
  });
const button = (name: string | RegExp): Promise<HTMLElement> => screen.findByRole('button', { name });
const openMenu = async (): Promise<void> => void fireEvent.click(await button('Earlier conversations'));

beforeEach(() => {
  vi.resetAllMocks();
  vi.stubGlobal('fetch', fetchMock);
  render(<ConversationMenu userId="u" current={2} onOpen={onOpen} onError={onError} />);
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

test('the open conversation, deleted, leaves a new one', async () => {
  fetchMock.mockResolvedValueOnce(page([2, 1])).mockResolvedValueOnce(new Response(null, { status: 204 }));
  await openMenu();
  fireEvent.click(await button('Delete conversation Talk 2'));
  await vi.waitFor(() => expect(onOpen).toHaveBeenCalledWith(null));
  expect(screen.queryByRole('button', { name: /^Talk 2/ })).toBeNull();
  expect(await button(/^Talk 1/)).toBeDefined();
});

test('what fails is reported, and nothing is taken away', async () => {
  fetchMock.mockResolvedValueOnce(page([2, 1])).mockResolvedValueOnce(new Response('', { status: 503 }));
  await openMenu();
  fireEvent.click(await button('Delete conversation Talk 1'));
  await vi.waitFor(() => expect(onError).toHaveBeenCalledWith(expect.anything(), 'The conversation was not deleted.'));
  expect(await button(/^Talk 1/)).toBeDefined();
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

test('a conversation is deleted once, however often that is pressed', async () => {
  fetchMock.mockResolvedValueOnce(page([2, 1])).mockReturnValueOnce(new Promise(() => undefined));
  await openMenu();
  const press = await button('Delete conversation Talk 1');
  fireEvent.click(press);
  fireEvent.click(press);
  expect(fetchMock).toHaveBeenCalledTimes(2);
});
