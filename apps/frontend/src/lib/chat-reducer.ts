import { toPlainText } from './plain-text';
import type { StoredMessage } from './types';

/** One message as the page shows it: text and tool calls in the order they came. */
export type TextPart = { type: 'text'; id: string; text: string; streaming: boolean };
export type ToolPart = {
  type: 'tool';
  id: string;
  name: string;
  state: 'running' | 'done' | 'failed' | 'stopped';
  input: unknown;
  output: unknown;
  error: string | null;
};
export type Part = TextPart | ToolPart;
export type Message = {
  key: string;
  role: 'user' | 'assistant';
  parts: Part[];
  createdAt: string | null;
  /** Why an assistant's message ended before its time, or that there is nothing in it. */
  ended?: 'stopped' | 'cut' | 'error' | 'empty';
};

export type ChatState = {
  conversationId: number | null;
  /** Counts the conversations opened: the same one gets its number only with its first reply. */
  opened: number;
  messages: Message[];
  /** Leads to the messages before these; null where there are none. */
  earlier: string | null;
  /** idle: nothing runs; sending: no event yet; streaming: events come; retrying: waits before it asks again. */
  status: 'idle' | 'sending' | 'streaming' | 'retrying';
  error: string | null;
  /** What the assistant's failed turn was asked, for Retry. */
  retry: string | null;
  attempt: number;
  /** Set when a reply is complete: read out once by screen readers. */
  announcement: string;
};

export type StreamEvent = { type: string; [key: string]: unknown };

export type ChatAction =
  | { type: 'opened'; conversationId: number | null; messages: Message[]; earlier: string | null }
  | { type: 'reread'; messages: Message[]; earlier: string | null }
  | { type: 'earlier'; cursor: string; messages: Message[]; earlier: string | null }
  | { type: 'asked'; key: string; text: string; at: string }
  | { type: 'retried' }
  | { type: 'waiting'; attempt: number }
  | { type: 'events'; events: StreamEvent[]; at: string }
  | { type: 'stopped' }
  | { type: 'cut'; message: string }
  | { type: 'refused'; message: string }
  | { type: 'dismissed' };

export const initialChat: ChatState = {
  conversationId: null,
  opened: 0,
  messages: [],
  earlier: null,
  status: 'idle',
  error: null,
  retry: null,
  attempt: 0,
  announcement: '',
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

export const plainText = (message: Message): string =>
  message.parts
    .filter((part): part is TextPart => part.type === 'text')
    .map((part) => part.text)
    .join('\n\n')
    .trim();

const announcementOf = (reply: Message): string => toPlainText(plainText(reply)) || 'Done.';

export const lastQuestion = (state: ChatState): string | null => {
  const question = state.messages.findLast((message) => message.role === 'user');
  return question === undefined ? null : plainText(question);
};

/** Replaces the newest message, which must be the assistant's; makes one where there is none yet. */
const withReply = (state: ChatState, at: string, change: (reply: Message) => Message): ChatState => {
  const last = state.messages.at(-1);
  if (last?.role === 'assistant') return { ...state, messages: [...state.messages.slice(0, -1), change(last)] };
  const reply: Message = { key: `reply-${state.messages.length}-${at}`, role: 'assistant', parts: [], createdAt: at };
  return { ...state, messages: [...state.messages, change(reply)] };
};

const upsertText = (reply: Message, id: string, change: (part: TextPart) => TextPart): Message => {
  // The newest block of that id: a server may number each step's blocks from the start again.
  const index = reply.parts.findLastIndex((part) => part.type === 'text' && part.id === id && part.streaming);
  const found = reply.parts[index];
  if (found?.type === 'text') return { ...reply, parts: reply.parts.with(index, change(found)) };
  return { ...reply, parts: [...reply.parts, change({ type: 'text', id, text: '', streaming: true })] };
};

const upsertTool = (reply: Message, id: string, change: (part: ToolPart) => ToolPart): Message => {
  const index = reply.parts.findLastIndex((part) => part.type === 'tool' && part.id === id);
  const found = reply.parts[index];
  if (found?.type === 'tool') return { ...reply, parts: reply.parts.with(index, change(found)) };
  const part: ToolPart = { type: 'tool', id, name: '', state: 'running', input: null, output: null, error: null };
  return { ...reply, parts: [...reply.parts, change(part)] };
};

/** Nothing of a message that ended may look as if it still ran. */
const settle = (message: Message): Message => ({
  ...message,
  parts: message.parts
    .map((part): Part => {
      if (part.type === 'text') return part.streaming ? { ...part, streaming: false } : part;
      return part.state === 'running' ? { ...part, state: 'stopped' } : part;
    })
    .filter((part) => part.type === 'tool' || part.text !== ''),
});

const settleReply = (state: ChatState, ended?: Message['ended']): ChatState => {
  const last = state.messages.at(-1);
  if (last?.role !== 'assistant') return state;
  const settled = settle(last);
  const rest = state.messages.slice(0, -1);
  if (settled.parts.length === 0) return { ...state, messages: rest };
  return { ...state, messages: [...rest, ended === undefined ? settled : { ...settled, ended }] };
};

const numberIn = (event: StreamEvent, name: string): number | null => {
  const metadata = event.messageMetadata;
  if (typeof metadata !== 'object' || metadata === null) return null;
  const value = (metadata as Record<string, unknown>)[name];
  return typeof value === 'number' ? value : null;
};

export const conversationOf = (event: StreamEvent): number | null => numberIn(event, 'conversation_id');

const storedKey = (id: number): string => `stored-${id}`;

/** The key that the reply will have once it is read from the server; null where the event does not tell it. */
export const storedAs = (event: StreamEvent): string | null => {
  const id = numberIn(event, 'message_id');
  return id === null ? null : storedKey(id);
};

const applyEvent = (state: ChatState, event: StreamEvent, at: string): ChatState => {
  const id = text(event.id ?? event.toolCallId);
  switch (event.type) {
    case 'start': {
      const conversationId = conversationOf(event) ?? state.conversationId;
      return conversationId === state.conversationId ? state : { ...state, conversationId };
    }
    case 'text-start':
      return withReply(state, at, (reply) => upsertText(reply, id, (part) => part));
    case 'text-delta':
      return withReply(state, at, (reply) =>
        upsertText(reply, id, (part) => ({ ...part, text: part.text + text(event.delta) })),
      );
    case 'text-end':
      return withReply(state, at, (reply) => upsertText(reply, id, (part) => ({ ...part, streaming: false })));
    case 'tool-input-available':
      return withReply(state, at, (reply) =>
        upsertTool(reply, id, (part) => ({ ...part, name: text(event.toolName), input: event.input })),
      );
    case 'tool-output-available':
      return withReply(state, at, (reply) =>
        upsertTool(reply, id, (part) => ({ ...part, state: 'done', output: event.output })),
      );
    case 'tool-output-error':
      return withReply(state, at, (reply) =>
        upsertTool(reply, id, (part) => ({
          ...part,
          state: 'failed',
          error: text(event.errorText) || 'The tool failed.',
        })),
      );
    case 'error':
      return {
        ...settleReply(state, 'error'),
        status: 'idle',
        error: text(event.errorText) || 'The assistant failed.',
        retry: lastQuestion(state),
      };
    case 'finish': {
      // After an error event, finish only closes the stream.
      if (state.status === 'idle') return state;
      const settled: ChatState = { ...settleReply(state), status: 'idle' };
      const reply = settled.messages.at(-1);
      if (reply?.role === 'assistant') return { ...settled, announcement: announcementOf(reply) };
      return {
        ...withReply(settled, at, (empty) => ({ ...empty, ended: 'empty' })),
        retry: lastQuestion(state),
        announcement: 'The assistant said nothing.',
      };
    }
    default:
      return state; // newer servers may send what this page does not know
  }
};

/** The whole life of a conversation on the page; pure. */
export const chatReducer = (state: ChatState, action: ChatAction): ChatState => {
  switch (action.type) {
    case 'opened':
      return {
        ...initialChat,
        conversationId: action.conversationId,
        opened: state.opened + 1,
        messages: action.messages,
        earlier: action.earlier,
      };
    case 'reread': {
      const { messages, earlier } = action;
      const reply = messages.findLast(({ role }) => role === 'assistant');
      const announcement = reply === undefined ? '' : announcementOf(reply);
      return { ...state, messages, earlier, status: 'idle', attempt: 0, announcement };
    }
    case 'earlier':
      // They fit only before the messages that they were asked for.
      if (action.cursor !== state.earlier) return state;
      return {
        ...state,
        messages: [...action.messages, ...state.messages],
        earlier: action.earlier,
        announcement: `${action.messages.length} earlier messages.`,
      };
    case 'asked':
      return {
        ...state,
        status: 'sending',
        error: null,
        retry: null,
        attempt: 0,
        announcement: '',
        messages: [
          ...state.messages,
          {
            key: action.key,
            role: 'user',
            createdAt: action.at,
            parts: [{ type: 'text', id: 'question', text: action.text, streaming: false }],
          },
        ],
      };
    case 'retried': {
      // The unfinished reply is about to be given anew.
      const last = state.messages.at(-1);
      const messages = last?.role === 'assistant' && last.ended !== undefined ? state.messages.slice(0, -1) : state.messages;
      return { ...state, messages, status: 'sending', error: null, retry: null, attempt: 0, announcement: '' };
    }
    case 'waiting': {
      // What was said before the connection broke will be said again.
      const messages = state.messages.at(-1)?.role === 'assistant' ? state.messages.slice(0, -1) : state.messages;
      return { ...state, messages, status: 'retrying', attempt: action.attempt };
    }
    case 'events': {
      if (state.status === 'idle') return state; // stopped in the meantime
      const streaming: ChatState = { ...state, status: 'streaming', attempt: 0 };
      return action.events.reduce((next, event) => applyEvent(next, event, action.at), streaming);
    }
    case 'stopped':
      return state.status === 'idle'
        ? state
        : { ...settleReply(state, 'stopped'), status: 'idle', retry: lastQuestion(state), announcement: 'Stopped.' };
    case 'cut':
      return state.status === 'idle'
        ? state
        : { ...settleReply(state, 'cut'), status: 'idle', error: action.message, retry: lastQuestion(state) };
    case 'refused':
      return { ...settleReply(state), status: 'idle', error: action.message, retry: lastQuestion(state) };
    case 'dismissed':
      return { ...state, error: null, retry: null };
  }
};

/** Whether a turn runs with nothing on the page that shows it: no text that grows, no tool that works. */
export const isThinking = ({ status, messages }: ChatState): boolean => {
  if (status !== 'sending' && status !== 'streaming') return false;
  const last = messages.at(-1);
  const part = last?.role === 'assistant' ? last.parts.at(-1) : undefined;
  if (part === undefined) return true;
  return part.type === 'tool' ? part.state !== 'running' : part.text === '';
};

/** A tool that failed is stored with the result {"error": "..."}. */
const errorOf = (result: unknown): string | null => {
  const { error } = (result ?? {}) as { error?: unknown };
  return typeof error === 'string' ? error : null;
};

const partsOf = (message: StoredMessage): Part[] => [
  ...message.tool_calls.map((call, index): ToolPart => {
    const error = errorOf(call.result);
    return {
      type: 'tool',
      id: `${message.id}-${index}`,
      name: call.name,
      state: error === null ? 'done' : 'failed',
      input: call.arguments,
      output: call.result,
      error,
    };
  }),
  ...(message.content === '' ? [] : [{ type: 'text' as const, id: 'text', text: message.content, streaming: false }]),
];

/** Messages the server kept, as the page shows them. */
export const fromStored = (stored: StoredMessage[]): Message[] =>
  stored.map((message) => {
    const parts = partsOf(message);
    return {
      key: storedKey(message.id),
      role: message.role,
      createdAt: message.created_at,
      parts,
      ...(parts.length === 0 ? { ended: 'empty' as const } : {}),
    };
  });
