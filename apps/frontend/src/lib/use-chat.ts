'use client';

import { useCallback, useEffect, useReducer, useRef } from 'react';
import { ApiError, getConversation, messageOf, startTurn } from './api';
import {
  chatReducer,
  conversationOf,
  fromStored,
  initialChat,
  plainText,
  storedAs,
  type ChatState,
  type Message,
  type StreamEvent,
} from './chat-reducer';
import { readEvents } from './sse';

/** Seconds to wait before each new try when no backend answers (a pod is being replaced). */
const backoff = [1, 2, 4, 8, 15];
export const maxAttempts = backoff.length;

/** Seconds until a conversation is asked for again where no backend answers. */
const openAgain = 2;
/** Seconds between looks for a reply that the server may still be storing: the page was left in mid-stream. */
const lateReply = [1, 3];

const parseEvent = (data: string): StreamEvent | null => {
  try {
    const event: unknown = JSON.parse(data);
    return typeof event === 'object' && event !== null && typeof (event as StreamEvent).type === 'string'
      ? (event as StreamEvent)
      : null;
  } catch {
    return null;
  }
};

const sleep = (seconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });

type Options = {
  userId: string;
  /** The conversation that is about to be opened: what is said before is said in it. */
  conversationId: number | null;
  /** Makes the server's list what the page shows, because the assistant works on the former; never throws. */
  beforeTurn: () => Promise<void>;
  /** Called for each tool's output as it comes. */
  onToolOutput: (output: unknown) => void;
  onTurnEnd: () => void;
  /** The session is over; `unsent` must not be lost. */
  onSignedOut: (unsent: string) => void;
};

type Chat = {
  state: ChatState;
  send: (text: string) => void;
  stop: () => void;
  retry: () => void;
  /** False when something else was opened or said meanwhile. `patient` waits for a backend that is away. */
  open: (conversationId: number | null, options?: { patient?: boolean }) => Promise<boolean>;
  /** Reads the messages before those on the page; answers what shows them. */
  readEarlier: () => Promise<() => void>;
  dismiss: () => void;
};

/** Messages as the server has them; `earlier` leads to those before. */
type Read = Pick<ChatState, 'messages' | 'earlier'>;
const nothing: Read = { messages: [], earlier: null };

/** Whether a reply follows the question where it was asked last, after the message of that key. */
const holdsReply = (messages: Message[], { question, after }: { question: string; after: string }): boolean => {
  const fresh = messages.slice(messages.findLastIndex(({ key }) => key === after) + 1);
  const asked = fresh.findLastIndex((message) => message.role === 'user' && plainText(message) === question.trim());
  return asked >= 0 && fresh[asked + 1]?.role === 'assistant';
};

/** One conversation over the AI SDK UI message stream. */
export const useChat = ({ userId, conversationId: first, beforeTurn, onToolOutput, onTurnEnd, onSignedOut }: Options): Chat => {
  const [state, dispatch] = useReducer(chatReducer, { ...initialChat, conversationId: first });
  /** The turn or the opening that was begun last: no other may change the page. */
  const newest = useRef<{ controller: AbortController; isTurn: boolean } | null>(null);
  /** Key of the newest message that the server is known to have. */
  const newestStored = useRef('');
  const latest = useRef({ state, beforeTurn, onToolOutput, onTurnEnd, onSignedOut });
  useEffect(() => {
    latest.current = { state, beforeTurn, onToolOutput, onTurnEnd, onSignedOut };
  });
  useEffect(() => () => newest.current?.controller.abort(), []);

  const stop = useCallback((): void => {
    const ended = newest.current;
    newest.current = null;
    ended?.controller.abort();
    if (ended?.isTurn !== true) return;
    dispatch({ type: 'stopped' });
    latest.current.onTurnEnd();
  }, []);

  const begin = useCallback(
    ({ isTurn }: { isTurn: boolean }): AbortSignal => {
      stop();
      const controller = new AbortController();
      newest.current = { controller, isTurn };
      return controller.signal;
    },
    [stop],
  );

  /** The newest messages of the conversation; null when something else was begun meanwhile. */
  const read = useCallback(
    async (conversationId: number, patient: boolean, signal: AbortSignal): Promise<Read | null> => {
      const isStopped = (): boolean => signal.aborted;
      while (!isStopped()) {
        try {
          const { messages, next_cursor } = await getConversation(userId, conversationId, { signal });
          if (isStopped()) return null;
          const shown = fromStored(messages);
          newestStored.current = shown.at(-1)?.key ?? '';
          return { messages: shown, earlier: next_cursor };
        } catch (error) {
          if (isStopped()) return null;
          if (!patient || !(error instanceof ApiError) || !error.isTemporary) throw error;
          await sleep(openAgain, signal);
        }
      }
      return null;
    },
    [userId],
  );

  const run = useCallback(
    async (message: string, startedIn: number | null, signal: AbortSignal): Promise<void> => {
      // A function, because the checker believes that a property stays as it was last seen.
      const isStopped = (): boolean => signal.aborted;
      let conversationId = startedIn;
      const after = newestStored.current;
      // What a turn may have done is looked up before it is repeated, and one that acts is not repeated
      // without being asked: it would act twice.
      const seen = { begun: false, acting: false };
      const canRepeat = (): boolean => !seen.begun || (conversationId !== null && !seen.acting);

      /** Shows what the server has stored of the reply; false where it has none. */
      const showStored = async (): Promise<boolean> => {
        if (conversationId === null) return false;
        const found = await read(conversationId, false, signal);
        if (found === null) return true;
        if (!holdsReply(found.messages, { question: message, after })) return false;
        dispatch({ type: 'reread', ...found });
        return true;
      };

      /** Sends the question and shows the answer; false when the stream was cut. */
      const attemptTurn = async (): Promise<boolean> => {
        await latest.current.beforeTurn();
        if (isStopped()) return true;
        const response = await startTurn(
          userId,
          conversationId === null ? { message } : { message, conversation_id: conversationId },
          signal,
        );
        seen.begun = true;
        if (response.body === null) return false;
        let hasEnded = false;
        try {
          for await (const chunk of readEvents(response.body)) {
            if (isStopped()) return true;
            const events = chunk.map(parseEvent).filter((event) => event !== null);
            dispatch({ type: 'events', events, at: new Date().toISOString() });
            for (const event of events) {
              conversationId = conversationOf(event) ?? conversationId;
              if (event.type === 'tool-input-available' && event.toolName !== 'list_tasks') seen.acting = true;
              if (event.type === 'tool-output-available') latest.current.onToolOutput(event.output);
              if (event.type === 'finish' || event.type === 'error') hasEnded = true;
              newestStored.current = storedAs(event) ?? newestStored.current;
            }
          }
        } catch {
          return isStopped() || hasEnded; // the connection broke
        }
        return hasEnded;
      };

      /** Waits for the next try; false when there is none left. */
      const waitForNext = async (attempt: number): Promise<boolean> => {
        const wait = backoff[attempt];
        if (wait === undefined) return false;
        dispatch({ type: 'waiting', attempt: attempt + 1 });
        await sleep(wait, signal);
        return true;
      };

      for (let attempt = 0; !isStopped(); attempt += 1) {
        try {
          if (seen.begun && (await showStored())) break;
          if (await attemptTurn()) break;
          if (canRepeat() && (await waitForNext(attempt))) continue;
          dispatch({ type: 'cut', message: 'The connection was lost before the reply was complete.' });
          break;
        } catch (error) {
          if (isStopped()) return;
          const { status = null, isTemporary = false, mayHaveArrived = false } = error instanceof ApiError ? error : {};
          if (mayHaveArrived) seen.begun = true;
          // 409: the cut turn, or one of another tab, is still running.
          if ((isTemporary || status === 409) && canRepeat() && (await waitForNext(attempt))) continue;
          dispatch({ type: 'refused', message: messageOf(error) });
          if (status === 401) latest.current.onSignedOut(message);
          break;
        }
      }
      if (isStopped()) return;
      newest.current = null;
      latest.current.onTurnEnd();
    },
    [userId, read],
  );

  const send = useCallback(
    (text: string): void => {
      const signal = begin({ isTurn: true });
      const at = new Date().toISOString();
      dispatch({ type: 'asked', key: `question-${at}`, text, at });
      void run(text, latest.current.state.conversationId, signal);
    },
    [begin, run],
  );

  const retry = useCallback((): void => {
    const { retry: text, conversationId } = latest.current.state;
    if (text === null) return;
    const signal = begin({ isTurn: true });
    dispatch({ type: 'retried' });
    void run(text, conversationId, signal);
  }, [begin, run]);

  /** Looks a few times for the reply to a question that has none, before it offers to ask again. */
  const findReply = useCallback(
    async (conversationId: number, signal: AbortSignal): Promise<void> => {
      for (const seconds of lateReply) {
        await sleep(seconds, signal);
        const found = await read(conversationId, false, signal).catch(() => nothing);
        if (found === null) return;
        if (found.messages.at(-1)?.role !== 'assistant') continue;
        dispatch({ type: 'reread', ...found });
        latest.current.onTurnEnd();
        return;
      }
      dispatch({ type: 'refused', message: 'This question has no reply yet.' });
    },
    [read],
  );

  const open = useCallback(
    async (conversationId: number | null, { patient = false }: { patient?: boolean } = {}): Promise<boolean> => {
      const signal = begin({ isTurn: false });
      const found = conversationId === null ? nothing : await read(conversationId, patient, signal);
      if (found === null) return false;
      dispatch({ type: 'opened', conversationId, ...found });
      if (conversationId !== null && found.messages.at(-1)?.role === 'user') void findReply(conversationId, signal);
      return true;
    },
    [begin, read, findReply],
  );

  const readEarlier = useCallback(async (): Promise<() => void> => {
    const { conversationId, earlier: cursor } = latest.current.state;
    if (conversationId === null || cursor === null) return () => undefined;
    const { messages, next_cursor } = await getConversation(userId, conversationId, { cursor });
    return () => dispatch({ type: 'earlier', cursor, messages: fromStored(messages), earlier: next_cursor });
  }, [userId]);

  const dismiss = useCallback((): void => dispatch({ type: 'dismissed' }), []);

  return { state, send, stop, retry, open, readEarlier, dismiss };
};
