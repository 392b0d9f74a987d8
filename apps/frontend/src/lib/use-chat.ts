'use client';

import { useCallback, useEffect, useReducer, useRef } from 'react';
import { ApiError, getConversation, startTurn } from './api';
import { chatReducer, conversationOf, fromStored, initialChat, type ChatState, type StreamEvent } from './chat-reducer';
import { readEvents } from './sse';

/** Seconds to wait before each new try when no backend answers (a pod is being replaced). */
const backoff = [1, 2, 4, 8, 15];
export const maxAttempts = backoff.length;

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
  open: (conversationId: number | null) => Promise<void>;
  dismiss: () => void;
};

/** One conversation over the AI SDK UI message stream. */
export const useChat = ({ userId, onToolOutput, onTurnEnd, onSignedOut }: Options): Chat => {
  const [state, dispatch] = useReducer(chatReducer, initialChat);
  const turn = useRef<AbortController | null>(null);
  const latest = useRef({ state, onToolOutput, onTurnEnd, onSignedOut });
  useEffect(() => {
    latest.current = { state, onToolOutput, onTurnEnd, onSignedOut };
  });
  useEffect(() => () => turn.current?.abort(), []);

  const run = useCallback(
    async (message: string, startedIn: number | null): Promise<void> => {
      turn.current?.abort();
      const controller = new AbortController();
      turn.current = controller;
      const { signal } = controller;
      // A function, because the checker believes that a property stays as it was last seen.
      const isStopped = (): boolean => signal.aborted;
      let conversationId = startedIn;
      // A turn that may have changed something is not repeated without being asked: it would act twice.
      const seen = { acting: false };

      /** Sends the question and shows the answer; false when the stream was cut. */
      const attemptTurn = async (): Promise<boolean> => {
        const response = await startTurn(
          userId,
          conversationId === null ? { message } : { message, conversation_id: conversationId },
          signal,
        );
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
              if (event.type === 'finish' || event.type === 'error' || event.type === 'abort') hasEnded = true;
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
          if (await attemptTurn()) break;
          if (!seen.acting && (await waitForNext(attempt))) continue;
          dispatch({ type: 'cut', message: 'The connection was lost before the reply was complete.' });
          break;
        } catch (error) {
          if (isStopped()) return;
          if (!(error instanceof ApiError)) throw error;
          if (error.status === 401) {
            dispatch({ type: 'refused', message: error.message });
            latest.current.onSignedOut(message);
            return;
          }
          // 409: the cut turn, or one of another tab, is still running.
          if ((error.isTemporary || error.status === 409) && (await waitForNext(attempt))) continue;
          dispatch({ type: 'refused', message: error.message });
          break;
        }
      }
      if (!isStopped()) latest.current.onTurnEnd();
    },
    [userId],
  );

  const send = useCallback(
    (text: string): void => {
      const at = new Date().toISOString();
      dispatch({ type: 'asked', key: `question-${at}`, text, at });
      void run(text, latest.current.state.conversationId);
    },
    [run],
  );

  const stop = useCallback((): void => {
    turn.current?.abort();
    dispatch({ type: 'stopped' });
    latest.current.onTurnEnd();
  }, []);

  const retry = useCallback((): void => {
    const { retry: text, conversationId } = latest.current.state;
    if (text === null) return;
    dispatch({ type: 'retried' });
    void run(text, conversationId);
  }, [run]);

  const open = useCallback(
    async (conversationId: number | null): Promise<void> => {
      turn.current?.abort();
      if (conversationId === null) {
        dispatch({ type: 'opened', conversationId: null, messages: [] });
        return;
      }
      const conversation = await getConversation(userId, conversationId);
      const messages = fromStored(conversation.messages);
      dispatch({ type: 'opened', conversationId, messages });
      // The page was left while the assistant answered: nothing was said, or not to the end.
      if (messages.at(-1)?.role === 'user') {
        dispatch({ type: 'refused', message: 'This question has no reply yet.' });
      }
    },
    [userId],
  );

  const dismiss = useCallback((): void => dispatch({ type: 'dismissed' }), []);

  return { state, send, stop, retry, open, dismiss };
};
