import { act, cleanup, renderHook, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { StreamEvent } from './chat-reducer';
import { plainText } from './chat-reducer';
import { maxAttempts, useChat } from './use-chat';

const answer = (...events: (StreamEvent | string)[]): Response =>
  new Response(events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join(''), {
    headers: { 'content-type': 'text/event-stream' },
  });
const start: StreamEvent = { type: 'start', messageMetadata: { conversation_id: 7 } };
const said = (delta: string): StreamEvent => ({ type: 'text-delta', id: 't', delta });
const whole = (text: string): Response => answer(start, said(text), { type: 'finish' }, '[DONE]');

const fetchMock = vi.fn<typeof fetch>();
const bodies = (): unknown[] => 
  fetchMock.mock.calls.map(([, init]): unknown => JSON.parse(typeof init?.body === 'string' ? init.body : 'null'));

const stored = (...contents: string[]): Response =>
  Response.json({
    next_cursor: null,
    messages: contents.map((content, index) => ({
      id: index,
      role: index % 2 === 0 ? 'user' : 'assistant',
      content,
      tool_calls: [],
      created_at: '2026-11-23T09:00:00Z',
    })),
  });
/** An answer that comes when the test says so. */
const later = (): ((response: Response) => void) => {
  let answerNow: (response: Response) => void = () => undefined;
  fetchMock.mockReturnValueOnce(new Promise((resolve) => (answerNow = resolve)));
  return answerNow;
};

const renderChat = (conversationId: number | null = null) => {
  const handlers = { beforeTurn: vi.fn().mockResolvedValue(undefined), onToolOutput: vi.fn(), onTurnEnd: vi.fn(), onSignedOut: vi.fn() };
  return { ...renderHook(() => useChat({ userId: 'u', conversationId, ...handlers })), handlers };
};

beforeEach(() => {
  fetchMock.mockReset();
  vi.stubGlobal('fetch', fetchMock);
  vi.useFakeTimers({ shouldAdvanceTime: true, advanceTimeDelta: 50 });
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

test('a turn is shown, and the next goes on with its conversation', async () => {
  fetchMock.mockResolvedValueOnce(whole('Hi.')).mockResolvedValueOnce(whole('Yes.'));
  const { result, handlers } = renderChat();
  act(() => result.current.send('Hello'));
  await waitFor(() => expect(handlers.onTurnEnd).toHaveBeenCalledTimes(1));
  expect(result.current.state).toMatchObject({ status: 'idle', conversationId: 7, announcement: 'Hi.' });
  act(() => result.current.send('Really?'));
  await waitFor(() => expect(handlers.onTurnEnd).toHaveBeenCalledTimes(2));
  expect(bodies()).toEqual([{ message: 'Hello' }, { message: 'Really?', conversation_id: 7 }]);
});

test('a pod that is being replaced is waited for, and the page says so', async () => {
  fetchMock.mockResolvedValueOnce(new Response('', { status: 503 })).mockResolvedValueOnce(whole('Back.'));
  const { result } = renderChat();
  act(() => result.current.send('Hello'));
  await waitFor(() => expect(result.current.state).toMatchObject({ status: 'retrying', attempt: 1 }));
  await act(() => vi.advanceTimersByTimeAsync(1000));
  await waitFor(() => expect(result.current.state.announcement).toBe('Back.'));
});

/** Answers as a connection that breaks after these events. */
const broken = (...events: StreamEvent[]): Response => {
  const sent = events.map((event) => new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`));
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const next = sent.shift();
      if (next === undefined) controller.error(new TypeError('network error'));
      else controller.enqueue(next);
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
};
const noAnswer = (): Promise<Response> => Promise.reject(new TypeError('Failed to fetch'));
const turns = (): unknown[] => bodies().filter((body) => body !== null);

test('a reply cut in mid-sentence that the server lost is asked for again in the same conversation', async () => {
  fetchMock
    .mockResolvedValueOnce(answer(start, said('Ba')))
    .mockResolvedValueOnce(stored('Hello'))
    .mockResolvedValueOnce(whole('Back.'));
  const { result } = renderChat();
  act(() => result.current.send('Hello'));
  await waitFor(() => expect(result.current.state.status).toBe('retrying'));
  await act(() => vi.advanceTimersByTimeAsync(1000));
  await waitFor(() => expect(result.current.state.announcement).toBe('Back.'));
  expect(turns()).toEqual([{ message: 'Hello' }, { message: 'Hello', conversation_id: 7 }]);
  expect(result.current.state.messages.map(plainText)).toEqual(['Hello', 'Back.']);
});

test('a reply that the server has stored is shown, and its turn is not repeated', async () => {
  fetchMock.mockResolvedValueOnce(broken(start)).mockResolvedValueOnce(stored('Add milk', 'Added.'));
  const { result, handlers } = renderChat();
  act(() => result.current.send('Add milk'));
  await act(() => vi.advanceTimersByTimeAsync(60_000));
  expect(turns()).toEqual([{ message: 'Add milk' }]);
  expect(result.current.state).toMatchObject({ status: 'idle', error: null, retry: null, announcement: 'Added.' });
  expect(result.current.state.messages.map(plainText)).toEqual(['Add milk', 'Added.']);
  expect(handlers.onTurnEnd).toHaveBeenCalledTimes(1);
});

test('a cut turn that still runs is looked up again before it is repeated', async () => {
  fetchMock
    .mockResolvedValueOnce(broken(start))
    .mockResolvedValueOnce(stored('Add milk'))
    .mockResolvedValueOnce(new Response('', { status: 409 }))
    .mockResolvedValueOnce(stored('Add milk', 'Added.'));
  const { result } = renderChat();
  act(() => result.current.send('Add milk'));
  await act(() => vi.advanceTimersByTimeAsync(60_000));
  expect(result.current.state).toMatchObject({ status: 'idle', announcement: 'Added.' });
  expect(fetchMock).toHaveBeenCalledTimes(4);
});

test.each([
  ['an answer that breaks before its first event', () => Promise.resolve(broken()), 'connection was lost'],
  ['no answer', noAnswer, 'cannot be reached'],
  ['an answer that comes too late for the ingress', () => Promise.resolve(new Response('', { status: 504 })), 'in time'],
])('%s in a new conversation offers Retry: the turn may have acted', async (_, respond, why) => {
  fetchMock.mockImplementation(respond);
  const { result } = renderChat();
  act(() => result.current.send('Add milk'));
  await act(() => vi.advanceTimersByTimeAsync(60_000));
  expect(fetchMock).toHaveBeenCalledTimes(1);
  expect(result.current.state).toMatchObject({ status: 'idle', retry: 'Add milk' });
  expect(result.current.state.error).toContain(why);
});

describe('a question that got no answer in a conversation with an earlier reply', () => {
  const ask = async (...afterwards: Response[]): Promise<ReturnType<typeof renderChat>['result']> => {
    const { result } = renderChat(7);
    fetchMock.mockResolvedValueOnce(stored('Add milk', 'Added.'));
    await act(() => result.current.open(7));
    fetchMock.mockImplementationOnce(noAnswer);
    for (const response of afterwards) fetchMock.mockResolvedValueOnce(response);
    act(() => result.current.send('Add milk'));
    await act(() => vi.advanceTimersByTimeAsync(1000));
    await waitFor(() => expect(result.current.state.status).toBe('idle'));
    return result;
  };

  test('is asked again where it did not arrive', async () => {
    const result = await ask(stored('Add milk', 'Added.'), whole('Added again.'));
    expect(turns()).toHaveLength(2);
    expect(result.current.state.messages.map(plainText)).toEqual(['Add milk', 'Added.', 'Add milk', 'Added again.']);
  });

  test('shows the reply where it did', async () => {
    const result = await ask(stored('Add milk', 'Added.', 'Add milk', 'Added again.'));
    expect(turns()).toHaveLength(1);
    expect(result.current.state).toMatchObject({ error: null, retry: null, announcement: 'Added again.' });
  });
});

test('a reply that was seen to its end is not taken for that to the same words said again', async () => {
  const { result, handlers } = renderChat();
  fetchMock.mockResolvedValueOnce(
    answer(start, said('Added.'), { type: 'finish', messageMetadata: { conversation_id: 7, message_id: 1 } }),
  );
  act(() => result.current.send('Add milk'));
  await waitFor(() => expect(handlers.onTurnEnd).toHaveBeenCalledTimes(1));
  fetchMock.mockImplementationOnce(noAnswer).mockResolvedValueOnce(stored('Add milk', 'Added.')).mockResolvedValueOnce(whole('Again.'));
  act(() => result.current.send('Add milk'));
  await act(() => vi.advanceTimersByTimeAsync(1000));
  await waitFor(() => expect(result.current.state.announcement).toBe('Again.'));
});

test('a turn that has acted is not repeated without being asked', async () => {
  const tool = { type: 'tool-input-available', toolCallId: 'c', toolName: 'add_task', input: {} };
  fetchMock.mockResolvedValueOnce(answer(start, tool));
  const { result } = renderChat();
  act(() => result.current.send('Add milk'));
  await waitFor(() => expect(result.current.state).toMatchObject({ status: 'idle', retry: 'Add milk' }));
  await act(() => vi.advanceTimersByTimeAsync(60_000));
  expect(fetchMock).toHaveBeenCalledTimes(1);
});

test('a turn that has only read the list is asked for again', async () => {
  const tool = { type: 'tool-input-available', toolCallId: 'c', toolName: 'list_tasks', input: {} };
  fetchMock
    .mockResolvedValueOnce(answer(start, tool))
    .mockResolvedValueOnce(stored('What is left?'))
    .mockResolvedValueOnce(whole('Nothing.'));
  const { result } = renderChat();
  act(() => result.current.send('What is left?'));
  await waitFor(() => expect(result.current.state.status).toBe('retrying'));
  await act(() => vi.advanceTimersByTimeAsync(1000));
  await waitFor(() => expect(result.current.state.announcement).toBe('Nothing.'));
});

test('it gives up in the end and offers Retry', async () => {
  fetchMock.mockImplementation(() => Promise.resolve(new Response('', { status: 502 })));
  const { result } = renderChat();
  act(() => result.current.send('Hello'));
  await act(() => vi.advanceTimersByTimeAsync(60_000));
  await waitFor(() => expect(result.current.state).toMatchObject({ status: 'idle', error: 'The service is restarting.', retry: 'Hello' }));
  expect(fetchMock).toHaveBeenCalledTimes(maxAttempts + 1);
});

test('a session that is over hands back what was not sent', async () => {
  fetchMock.mockResolvedValueOnce(new Response('', { status: 401 }));
  const { result, handlers } = renderChat();
  act(() => result.current.send('Hello'));
  await waitFor(() => expect(handlers.onSignedOut).toHaveBeenCalledWith('Hello'));
  expect(result.current.state.status).toBe('idle');
});

test('stop closes the connection', async () => {
  let signal: AbortSignal | undefined;
  fetchMock.mockImplementationOnce((_, init) => {
    signal = init?.signal ?? undefined;
    return new Promise(() => undefined);
  });
  const { result } = renderChat();
  act(() => result.current.send('Hello'));
  await waitFor(() => expect(signal).toBeDefined());
  act(() => result.current.stop());
  expect(signal?.aborted).toBe(true);
  expect(result.current.state).toMatchObject({ status: 'idle', retry: 'Hello' });
});

test('a turn waits for what comes before it, and begins no more once it was stopped', async () => {
  fetchMock.mockResolvedValueOnce(whole('Hi.'));
  const { result, handlers } = renderChat();
  const goOn: (() => void)[] = [];
  handlers.beforeTurn.mockImplementation(() => new Promise<void>((resolve) => goOn.push(resolve)));
  act(() => result.current.send('Hello'));
  act(() => result.current.stop());
  act(() => result.current.retry());
  await act(() => vi.advanceTimersByTimeAsync(1000));
  expect(result.current.state).toMatchObject({ status: 'sending', messages: [{ role: 'user' }] });
  expect(fetchMock).not.toHaveBeenCalled();
  for (const resolve of goOn) resolve();
  await waitFor(() => expect(result.current.state.announcement).toBe('Hi.'));
  expect(fetchMock).toHaveBeenCalledTimes(1);
});

test('outputs of tools are handed on; nonsense between them is skipped', async () => {
  const output = { task_id: 1, status: 'created', title: 'Milk' };
  fetchMock.mockResolvedValueOnce(
    answer(start, '{broken', '42', { type: 'tool-output-available', toolCallId: 'c', output }, { type: 'finish' }, '[DONE]'),
  );
  const { result, handlers } = renderChat();
  act(() => result.current.send('Add milk'));
  await waitFor(() => expect(handlers.onTurnEnd).toHaveBeenCalled());
  expect(handlers.onToolOutput.mock.calls).toEqual([[output]]);
});

test('an error that is not the service’s ends the turn in sight', async () => {
  vi.spyOn(console, 'error').mockReturnValue();
  fetchMock.mockRejectedValueOnce(new DOMException('Odd', 'AbortError'));
  const { result } = renderChat();
  act(() => result.current.send('Hello'));
  await waitFor(() => expect(result.current.state).toMatchObject({ status: 'idle', error: 'Something went wrong on this page.' }));
});

describe('opening conversations', () => {
  const words = (state: ReturnType<typeof useChat>['state']): string[] => state.messages.map(plainText);

  test('the one chosen last is shown, whichever answers last', async () => {
    const first = later();
    const second = later();
    const { result } = renderChat();
    const opened: Promise<boolean>[] = [];
    act(() => void opened.push(result.current.open(1), result.current.open(2)));
    await act(async () => {
      second(stored('Two?', 'Two.'));
      await opened[1];
      first(stored('One?', 'One.'));
      await opened[0];
    });
    expect(await Promise.all(opened)).toEqual([false, true]);
    expect(result.current.state.conversationId).toBe(2);
    expect(words(result.current.state)).toEqual(['Two?', 'Two.']);
  });

  test('what is said while one is being read is not overwritten, and belongs to it', async () => {
    const reading = later();
    fetchMock.mockResolvedValueOnce(whole('Hi.'));
    const { result } = renderChat(7);
    const opened: Promise<boolean>[] = [];
    act(() => void opened.push(result.current.open(7)));
    act(() => result.current.send('Hello'));
    await act(async () => {
      reading(stored('Old?', 'Old.'));
      await opened[0];
    });
    await waitFor(() => expect(result.current.state.status).toBe('idle'));
    expect(words(result.current.state)).toEqual(['Hello', 'Hi.']);
    expect(bodies()[1]).toEqual({ message: 'Hello', conversation_id: 7 });
  });

  test('it ends the turn that runs, and the page hears of it', async () => {
    later();
    const { result, handlers } = renderChat();
    act(() => result.current.send('Hello'));
    await waitFor(() => expect(fetchMock).toHaveBeenCalledTimes(1));
    fetchMock.mockResolvedValueOnce(stored('One?', 'One.'));
    await act(() => result.current.open(1));
    expect(handlers.onTurnEnd).toHaveBeenCalledTimes(1);
    expect(result.current.state).toMatchObject({ status: 'idle', conversationId: 1 });
  });

  test('a patient one waits for the backend; another says at once what is wrong', async () => {
    fetchMock.mockImplementation(() => Promise.resolve(new Response('', { status: 503 })));
    const { result } = renderChat(7);
    await expect(result.current.open(7)).rejects.toMatchObject({ status: 503 });
    const opened: Promise<boolean>[] = [];
    act(() => void opened.push(result.current.open(7, { patient: true })));
    fetchMock.mockResolvedValueOnce(new Response('', { status: 502 })).mockResolvedValueOnce(stored('One?', 'One.'));
    await act(() => vi.advanceTimersByTimeAsync(5000));
    expect(await opened[0]).toBe(true);
  });

  test('a reply that is stored just after the page was left is found', async () => {
    fetchMock.mockResolvedValueOnce(stored('Add milk'));
    const { result, handlers } = renderChat(7);
    await act(() => result.current.open(7));
    expect(result.current.state.retry).toBeNull();
    fetchMock.mockResolvedValueOnce(stored('Add milk', 'Added.'));
    await act(() => vi.advanceTimersByTimeAsync(1000));
    await waitFor(() => expect(words(result.current.state)).toEqual(['Add milk', 'Added.']));
    expect(handlers.onTurnEnd).toHaveBeenCalledTimes(1);
    await act(() => vi.advanceTimersByTimeAsync(10_000));
    expect(result.current.state).toMatchObject({ retry: null, error: null });
  });

  test('the messages before are read page by page', async () => {
    const page = async (next_cursor: string | null, ...contents: string[]): Promise<void> => {
      const body = (await stored(...contents).json()) as object;
      fetchMock.mockResolvedValueOnce(Response.json({ ...body, next_cursor }));
    };
    const { result } = renderChat(7);
    await page('a/b', 'Three?', 'Three.');
    await act(() => result.current.open(7));
    await page('c', 'Two?', 'Two.');
    await act(async () => (await result.current.readEarlier())());
    await page(null, 'One?', 'One.');
    await act(async () => (await result.current.readEarlier())());
    expect(words(result.current.state)).toEqual(['One?', 'One.', 'Two?', 'Two.', 'Three?', 'Three.']);
    expect(fetchMock.mock.calls.map(([path]) => path)).toEqual([
      '/api/u/conversations/7',
      '/api/u/conversations/7?cursor=a%2Fb',
      '/api/u/conversations/7?cursor=c',
    ]);
    expect(result.current.state.announcement).toBe('2 earlier messages.');
    await act(async () => (await result.current.readEarlier())());
    expect(fetchMock).toHaveBeenCalledTimes(3);
  });

  test('earlier messages that come after another conversation was opened are not shown in it', async () => {
    fetchMock.mockResolvedValueOnce(Response.json({ messages: [], next_cursor: 'x' }));
    const { result } = renderChat(7);
    await act(() => result.current.open(7));
    fetchMock.mockResolvedValueOnce(stored('One?', 'One.'));
    const show = await act(() => result.current.readEarlier());
    fetchMock.mockResolvedValueOnce(stored('Two?', 'Two.'));
    await act(() => result.current.open(8));
    act(show);
    expect(words(result.current.state)).toEqual(['Two?', 'Two.']);
  });

  test('where none comes, asking again is offered', async () => {
    fetchMock.mockImplementation(() => Promise.resolve(stored('Add milk')));
    const { result } = renderChat(7);
    await act(() => result.current.open(7));
    await act(() => vi.advanceTimersByTimeAsync(4000));
    await waitFor(() => expect(result.current.state).toMatchObject({ error: 'This question has no reply yet.', retry: 'Add milk' }));
    expect(fetchMock).toHaveBeenCalledTimes(3);
  });
});
