import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { initialChat, type ChatState, type Message } from '@/lib/chat-reducer';
import { readDraft, writeDraft } from '@/lib/drafts';
import type { ConversationDeletes } from '@/lib/use-conversation-deletes';
import { ChatPane } from './chat-pane';

const message = (text: string): Message => ({
  key: text,
  role: 'user',
  createdAt: null,
  parts: [{ type: 'text', id: 't', text, streaming: false }],
});
const open = vi.fn<(id: number | null) => Promise<boolean>>();
const resized = vi.fn();
const handlers = { send: vi.fn(), stop: vi.fn(), retry: vi.fn(), dismiss: vi.fn(), open, readEarlier: vi.fn<() => Promise<() => void>>() };
const onError = vi.fn();
const deletes = { hidden: new Set<number>(), remove: vi.fn<ConversationDeletes['remove']>() };

const paneOf = (state: Partial<ChatState>) => (
  <ChatPane
    userId="u"
    engine={null}
    chat={{ state: { ...initialChat, ...state }, ...handlers }}
    deletes={deletes}
    onError={onError}
  />
);
const composer = (): HTMLTextAreaElement => screen.getByLabelText('Message the assistant');
const type = (value: string): boolean => fireEvent.change(composer(), { target: { value } });
const log = (): HTMLElement => screen.getByRole('log');

beforeEach(() => {
  vi.resetAllMocks();
  open.mockResolvedValue(true);
  vi.stubGlobal(
    'ResizeObserver',
    class {
      constructor(private readonly onResize: () => void) {}
      observe(): void {
        resized.mockImplementation(this.onResize);
      }
      disconnect(): void {
        resized.mockReset();
      }
    },
  );
});
afterEach(() => {
  cleanup();
  localStorage.clear();
  history.replaceState(null, '', '/');
});

test('each conversation has its own draft', () => {
  writeDraft('u', 'chat-new', 'New');
  writeDraft('u', 'chat-7', 'Seven');
  // As after a reload, before the conversation of the address is there.
  const { rerender } = render(paneOf({ conversationId: 7 }));
  expect(composer().value).toBe('Seven');
  type('Seven!');
  rerender(paneOf({ conversationId: 7, opened: 1, messages: [message('Hi')] }));
  expect(composer().value).toBe('Seven!');
  rerender(paneOf({ conversationId: null, opened: 2 }));
  expect(composer().value).toBe('New');
  rerender(paneOf({ conversationId: 8, opened: 3 }));
  expect(composer().value).toBe('');
  expect([readDraft('u', 'chat-new'), readDraft('u', 'chat-7')]).toEqual(['New', 'Seven!']);
});

test('what is typed before a new conversation has its number goes with it', () => {
  const { rerender } = render(paneOf({ status: 'sending', messages: [message('Hi')] }));
  type('And then');
  rerender(paneOf({ status: 'idle', conversationId: 7, messages: [message('Hi')] }));
  expect(composer().value).toBe('And then');
  expect([readDraft('u', 'chat-new'), readDraft('u', 'chat-7')]).toEqual(['', 'And then']);
});

const conversations = (): void => {
  const items = [7, 8].map((id) => ({ id, title: `Talk ${id}`, updated_at: '2026-11-23T09:00:00Z' }));
  vi.stubGlobal('fetch', vi.fn().mockResolvedValue(Response.json({ items, next_cursor: null })));
  fireEvent.click(screen.getByRole('button', { name: 'Earlier conversations' }));
};

test('the open conversation, chosen again, stays as it is', async () => {
  render(paneOf({ conversationId: 7, messages: [message('Hi')] }));
  type('Half a');
  conversations();
  fireEvent.click(await screen.findByRole('button', { name: /^Talk 7/ }));
  expect(open).not.toHaveBeenCalled();
  expect(composer().value).toBe('Half a');
  expect(document.activeElement).toBe(composer());
});

test.each([
  ['is there', () => open.mockResolvedValueOnce(true), '?conversation=8'],
  ['was overtaken by another', () => open.mockResolvedValueOnce(false), '?conversation=7'],
  ['cannot be read', () => open.mockRejectedValueOnce(new Error('x')), '?conversation=7'],
])('the address changes only when the chosen conversation is shown: it %s', async (_, answer, search) => {
  history.replaceState(null, '', '?conversation=7');
  render(paneOf({ conversationId: 7, messages: [message('Hi')] }));
  answer();
  conversations();
  const choice = await screen.findByRole('button', { name: /^Talk 8/ });
  await act(async () => {
    fireEvent.click(choice);
    await Promise.resolve();
  });
  expect(location.search).toBe(search);
});

test.each([
  ['nothing was begun since', [], true],
  ['something else was', [message('Hello')], false],
])('the open conversation, deleted, leaves a new one, and its undo opens it where %s', async (_, messages, reopened) => {
  history.replaceState(null, '', '?conversation=7');
  const { rerender } = render(paneOf({ conversationId: 7, messages: [message('Hi')] }));
  conversations();
  fireEvent.click(await screen.findByRole('button', { name: 'Delete conversation Talk 7' }));
  expect(open.mock.calls).toEqual([[null]]);
  expect(location.search).toBe('');
  rerender(paneOf({ conversationId: null, opened: 1, messages }));
  act(() => deletes.remove.mock.calls[0]?.[1].onUndo());
  expect(open.mock.calls).toEqual(reopened ? [[null], [7]] : [[null]]);
});

test('another conversation, deleted, leaves the open one as it is, also when it comes back', async () => {
  render(paneOf({ conversationId: 7, messages: [message('Hi')] }));
  conversations();
  fireEvent.click(await screen.findByRole('button', { name: 'Delete conversation Talk 8' }));
  act(() => deletes.remove.mock.calls[0]?.[1].onUndo());
  expect(open).not.toHaveBeenCalled();
});

test('that the assistant is busy or restarting is said outside the log, which is busy', () => {
  render(paneOf({ status: 'retrying', attempt: 2, messages: [message('Hi')] }));
  const notice = screen.getByText(/busy or restarting/);
  expect(notice.textContent).toContain('(2 of 5)');
  expect(notice.closest('[role="status"]')).not.toBeNull();
  expect(log().getAttribute('aria-busy')).toBe('true');
  expect(log().contains(notice)).toBe(false);
});

test('the log follows its end when its height changes, until the reader scrolls away', () => {
  render(paneOf({ messages: [message('Hi')] }));
  Object.defineProperties(log(), { scrollHeight: { value: 900 }, clientHeight: { value: 300, configurable: true } });
  log().scrollTop = 600;
  Object.defineProperty(log(), 'clientHeight', { value: 200 });
  act(() => void resized());
  expect(log().scrollTop).toBe(900);
  log().scrollTop = 100;
  fireEvent.scroll(log());
  act(() => void resized());
  expect(log().scrollTop).toBe(100);
  fireEvent.click(screen.getByRole('button', { name: 'Latest' }));
  expect(log().scrollTop).toBe(900);
  expect(document.activeElement).toBe(log());
});

test('earlier messages come above what is in sight, which stays there, and so does the focus', async () => {
  const messages = [message('c'), message('d')];
  const { rerender } = render(paneOf({ conversationId: 7, messages, earlier: 'x' }));
  Object.defineProperty(log(), 'scrollHeight', { get: () => 100 * log().querySelectorAll('.message').length });
  const button = screen.getByRole('button', { name: 'Earlier messages' });
  const read = async (...now: Parameters<typeof paneOf>): Promise<void> => {
    handlers.readEarlier.mockResolvedValueOnce(() => rerender(paneOf(...now)));
    fireEvent.click(button);
    fireEvent.click(button);
    await act(() => Promise.resolve());
  };
  button.focus();
  log().scrollTop = 30;
  await read({ conversationId: 7, messages: [message('b'), ...messages], earlier: 'y' });
  expect(handlers.readEarlier).toHaveBeenCalledTimes(1);
  expect(log().scrollTop).toBe(130);
  expect(document.activeElement).toBe(button);
  await read({ conversationId: 7, messages: [message('a'), message('b'), ...messages] });
  expect(log().scrollTop).toBe(230);
  expect(screen.queryByRole('button', { name: 'Earlier messages' })).toBeNull();
  expect(document.activeElement).toBe(log());
});

test('earlier messages that cannot be read are reported and can be asked for again', async () => {
  render(paneOf({ conversationId: 7, messages: [message('a')], earlier: 'x' }));
  handlers.readEarlier.mockRejectedValueOnce(new Error('x'));
  fireEvent.click(screen.getByRole('button', { name: 'Earlier messages' }));
  await vi.waitFor(() => expect(onError).toHaveBeenCalledWith(expect.anything(), 'The earlier messages could not be read.'));
  expect(screen.getByRole('button', { name: 'Earlier messages' }).getAttribute('aria-disabled')).toBe('false');
});

test('dots show that the assistant thinks', () => {
  const { rerender } = render(paneOf({ status: 'streaming', messages: [message('Hi')] }));
  expect(screen.getByText('The assistant is working')).toBeDefined();
  rerender(paneOf({ messages: [message('Hi')] }));
  expect(screen.queryByText('The assistant is working')).toBeNull();
});

test.each(['Retry', 'Dismiss'])('%s does not take the focus with it', (name) => {
  render(paneOf({ messages: [message('Hi')], error: 'Lost.', retry: 'Hi' }));
  fireEvent.click(screen.getByRole('button', { name }));
  expect(name === 'Retry' ? handlers.retry : handlers.dismiss).toHaveBeenCalledTimes(1);
  expect(document.activeElement).toBe(log());
});
