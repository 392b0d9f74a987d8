import { describe, expect, test } from 'vitest';
import {
  chatReducer,
  fromStored,
  initialChat,
  isThinking,
  plainText,
  type ChatAction,
  type ChatState,
  type StreamEvent,
  type ToolPart,
} from './chat-reducer';

const at = '2026-11-23T09:00:00Z';
const asked: ChatAction = { type: 'asked', key: 'q1', text: 'Add milk', at };
const events = (...list: StreamEvent[]): ChatAction => ({ type: 'events', events: list, at });
const run = (...actions: ChatAction[]): ChatState => actions.reduce(chatReducer, initialChat);
const reply = (state: ChatState) => {
  const last = state.messages.at(-1);
  if (last?.role !== 'assistant') throw new Error('The newest message is not a reply.');
  return last;
};
const tools = (state: ChatState): ToolPart[] => reply(state).parts.filter((part) => part.type === 'tool');

const start: StreamEvent = { type: 'start', messageId: 'm', messageMetadata: { conversation_id: 7 } };
const toolInput: StreamEvent = { type: 'tool-input-available', toolCallId: 'c', toolName: 'add_task', input: { title: 'Milk' } };
const toolOutput: StreamEvent = { type: 'tool-output-available', toolCallId: 'c', output: { task_id: 1 } };
const textOf = (id: string, ...deltas: string[]): StreamEvent[] => [
  { type: 'text-start', id },
  ...deltas.map((delta) => ({ type: 'text-delta', id, delta })),
  { type: 'text-end', id },
];
const finish: StreamEvent = { type: 'finish' };

describe('a whole turn', () => {
  const turn = [start, toolInput, toolOutput, ...textOf('t', 'Added ', '**Milk**.'), finish];

  test.each([
    ['event by event', turn.map((event) => events(event))],
    ['in one chunk', [events(...turn)]],
  ])('is the same %s', (_, actions) => {
    const state = run(asked, ...actions);
    expect(state).toMatchObject({ status: 'idle', conversationId: 7, error: null, retry: null, announcement: 'Added Milk.' });
    expect(state.messages.map((message) => message.role)).toEqual(['user', 'assistant']);
    expect(reply(state).parts).toEqual([
      { type: 'tool', id: 'c', name: 'add_task', state: 'done', input: { title: 'Milk' }, output: { task_id: 1 }, error: null },
      { type: 'text', id: 't', text: 'Added **Milk**.', streaming: false },
    ]);
  });

  test('is announced only when it is complete', () => {
    const state = run(asked, events(start, { type: 'text-delta', id: 't', delta: 'Add' }));
    expect(state).toMatchObject({ status: 'streaming', announcement: '' });
  });

  test('keeps text before and after a tool apart, though both blocks have the same id', () => {
    const state = run(asked, events(start, ...textOf('1', 'First.'), toolInput, toolOutput, ...textOf('1', 'Then.'), finish));
    expect(reply(state).parts.map((part) => (part.type === 'text' ? part.text : part.name))).toEqual(['First.', 'add_task', 'Then.']);
  });
});

describe('odd streams', () => {
  test('a delta without its start makes the block', () => {
    expect(plainText(reply(run(asked, events({ type: 'text-delta', id: 't', delta: 'Hi' }))))).toBe('Hi');
  });

  test('an output without its input makes the card', () => {
    expect(tools(run(asked, events(toolOutput)))).toMatchObject([{ id: 'c', state: 'done', output: { task_id: 1 } }]);
  });

  test('a repeated input and output are one card', () => {
    expect(tools(run(asked, events(toolInput, toolInput, toolOutput, toolOutput)))).toHaveLength(1);
  });

  test('two calls with different ids are two cards', () => {
    const other = { ...toolInput, toolCallId: 'd' };
    expect(tools(run(asked, events(toolInput, other, toolOutput))).map((part) => part.state)).toEqual(['done', 'running']);
  });

  test('unknown events and missing fields change nothing', () => {
    const before = run(asked, events(start, ...textOf('t', 'Hi')));
    const after = chatReducer(before, events({ type: 'data-weather', data: 1 }, { type: 'text-delta', id: 't2' }, { type: 'start' }));
    expect(plainText(reply(after))).toBe('Hi');
    expect(after.conversationId).toBe(7);
  });

  test.each<StreamEvent>([
    { type: 'message-metadata', messageMetadata: { conversation_id: 8 } },
    { type: 'tool-input-start', toolCallId: 'c', toolName: 'add_task' },
    { type: 'tool-input-error', toolCallId: 'c', toolName: 'add_task', errorText: 'No' },
    { type: 'abort' },
  ])('what the backend never sends changes nothing: %o', (event) => {
    const before = run(asked, events(start, ...textOf('t', 'Hi')));
    expect(chatReducer(before, events(event))).toEqual(before);
  });

  test('a failed tool says why', () => {
    const failed = { type: 'tool-output-error', toolCallId: 'c', errorText: 'Task 9 was not found' };
    expect(tools(run(asked, events(toolInput, failed)))).toMatchObject([{ state: 'failed', error: 'Task 9 was not found' }]);
  });

  test('an error ends the turn, and the finish after it does not hide it', () => {
    const state = run(asked, events(start, { type: 'text-delta', id: 't', delta: 'Ad' }), events({ type: 'error', errorText: 'Too slow' }), events(finish));
    expect(state).toMatchObject({ status: 'idle', error: 'Too slow', retry: 'Add milk', announcement: '' });
    expect(reply(state)).toMatchObject({ ended: 'error', parts: [{ text: 'Ad', streaming: false }] });
  });
});

describe('a turn that is cut', () => {
  test('stop keeps what was said, settles the running tool, and ignores what still comes', () => {
    const stopped = run(asked, events(start, toolInput, { type: 'text-delta', id: 't', delta: 'Ad' }), { type: 'stopped' });
    expect(stopped).toMatchObject({ status: 'idle', retry: 'Add milk', error: null, announcement: 'Stopped.' });
    expect(reply(stopped)).toMatchObject({ ended: 'stopped', parts: [{ state: 'stopped' }, { text: 'Ad' }] });
    expect(chatReducer(stopped, events(...textOf('t', 'ded')))).toBe(stopped);
  });

  test('a lost connection leaves the text and offers to ask again', () => {
    const state = run(asked, events(start, { type: 'text-delta', id: 't', delta: 'Ad' }), { type: 'cut', message: 'Lost.' });
    expect(state).toMatchObject({ status: 'idle', error: 'Lost.', retry: 'Add milk' });
    expect(reply(state).ended).toBe('cut');
  });

  test('a cut after the finish is nothing', () => {
    const done = run(asked, events(start, ...textOf('t', 'Hi'), finish));
    expect(chatReducer(done, { type: 'cut', message: 'Lost.' })).toBe(done);
  });

  test('trying again drops the half reply but not the question', () => {
    const state = run(asked, events(start, { type: 'text-delta', id: 't', delta: 'Ad' }), { type: 'waiting', attempt: 2 });
    expect(state).toMatchObject({ status: 'retrying', attempt: 2, messages: [{ role: 'user' }] });
    const resumed = chatReducer(state, events(start, ...textOf('t', 'Added.'), finish));
    expect(plainText(reply(resumed))).toBe('Added.');
  });

  test('retry replaces the reply that ended early', () => {
    const state = run(asked, events(start, { type: 'text-delta', id: 't', delta: 'Ad' }), { type: 'stopped' }, { type: 'retried' });
    expect(state).toMatchObject({ status: 'sending', retry: null, messages: [{ role: 'user' }] });
  });

  test('a refused turn keeps earlier replies', () => {
    const state = run(asked, events(start, ...textOf('t', 'Hi'), finish), { ...asked, key: 'q2' }, { type: 'refused', message: 'Too many requests.' });
    expect(state.messages.map((message) => message.role)).toEqual(['user', 'assistant', 'user']);
    expect(state).toMatchObject({ error: 'Too many requests.', retry: 'Add milk' });
  });
});

test('stored messages show their tool calls, failed ones as failed', () => {
  const [message] = fromStored([
    {
      id: 4,
      role: 'assistant',
      content: 'Hm.',
      created_at: at,
      tool_calls: [
        { name: 'list_tasks', arguments: {}, result: [] },
        { name: 'delete_task', arguments: { task_id: 9 }, result: { error: 'Task 9 was not found' } },
      ],
    },
  ]);
  expect(message?.parts).toMatchObject([
    { name: 'list_tasks', state: 'done', error: null },
    { name: 'delete_task', state: 'failed', error: 'Task 9 was not found' },
    { type: 'text', text: 'Hm.' },
  ]);
});

test('a turn that says and does nothing leaves a reply that says so', () => {
  const state = run(asked, events(start, { type: 'text-start', id: 't' }, finish));
  expect(state).toMatchObject({ status: 'idle', retry: 'Add milk', announcement: 'The assistant said nothing.' });
  expect(reply(state)).toMatchObject({ parts: [], ended: 'empty' });
  expect(chatReducer(state, { type: 'retried' }).messages).toHaveLength(1);
  expect(fromStored([{ id: 4, role: 'assistant', content: '', created_at: at, tool_calls: [] }])).toMatchObject([{ ended: 'empty' }]);
});

test('a turn that only acts is announced as well', () => {
  expect(run(asked, events(start, toolInput, toolOutput, finish)).announcement).toBe('Done.');
});

test.each<[string, ChatAction[], boolean]>([
  ['before any turn', [], false],
  ['before the first event', [asked], true],
  ['before the first word', [asked, events(start)], true],
  ['with a text that has begun without a word', [asked, events(start, { type: 'text-start', id: 't' })], true],
  ['while a text grows', [asked, events(start, { type: 'text-delta', id: 't', delta: 'Ad' })], false],
  ['while a tool works', [asked, events(start, toolInput)], false],
  ['after a tool has worked', [asked, events(start, toolInput, toolOutput)], true],
  ['after the turn', [asked, events(start, ...textOf('t', 'Hi'), finish)], false],
  ['while it waits to ask again', [asked, { type: 'waiting', attempt: 1 }], false],
])('%s, whether the page shows that the assistant thinks: %s', (_, actions, thinks) => {
  expect(isThinking(run(...actions))).toBe(thinks);
});
