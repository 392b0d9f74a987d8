'use client';

import { useCallback, useEffect, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { setConversationInAddress } from '@/lib/address';
import { isThinking } from '@/lib/chat-reducer';
import { readDraft, writeDraft } from '@/lib/drafts';
import { focusFirst } from '@/lib/focus';
import type { Conversation, Engine } from '@/lib/types';
import { maxAttempts, type useChat } from '@/lib/use-chat';
import type { ConversationDeletes } from '@/lib/use-conversation-deletes';
import { useNow } from '@/lib/use-now';
import { Icon } from '../icons';
import { Composer, useFocusBack } from './composer';
import { ConversationMenu } from './conversation-menu';
import { MessageItem } from './message-item';

type Props = {
  userId: string;
  engine: Engine | null;
  chat: ReturnType<typeof useChat>;
  deletes: Pick<ConversationDeletes, 'hidden' | 'remove'>;
  onError: (error: unknown, text: string) => void;
};

const suggestions = [
  'Add a task to buy groceries',
  "What's pending?",
  'I need to remember to pay bills on Friday',
  'What have I completed?',
];

/** Distance from the end, in pixels, within which the log keeps following the newest line. */
const followDistance = 80;

export const engineLabel = (engine: Engine): string =>
  engine.name === 'offline' ? 'Offline assistant: rules, no model' : `Model: ${engine.model ?? engine.name}`;

export const ChatPane = ({ userId, engine, chat, deletes, onError }: Props) => {
  const { state, send, stop, retry, open, readEarlier, dismiss } = chat;
  const busy = state.status !== 'idle';
  const now = useNow();
  const [draft, setDraft] = useState('');
  const [following, setFollowing] = useState(true);
  const [reading, setReading] = useState(false);
  const logRef = useRef<HTMLDivElement>(null);
  const { composerRef, focus } = useFocusBack(busy);
  const draftName = `chat-${state.conversationId ?? 'new'}`;

  const drafted = useRef<{ opened: number; name: string } | null>(null);
  useEffect(() => {
    const before = drafted.current;
    drafted.current = { opened: state.opened, name: draftName };
    if (before?.opened !== state.opened) {
      // After hydration: the server does not know the draft.
      setDraft(readDraft(userId, draftName));
    } else if (before.name !== draftName) {
      // The conversation got its number: what was typed meanwhile goes with it.
      writeDraft(userId, draftName, readDraft(userId, before.name));
      writeDraft(userId, before.name, '');
    }
  }, [userId, draftName, state.opened]);

  const changeDraft = (value: string): void => {
    setDraft(value);
    writeDraft(userId, draftName, value);
  };

  const toEnd = useCallback((): void => {
    const log = logRef.current;
    if (log !== null) log.scrollTop = log.scrollHeight;
  }, []);

  useEffect(() => {
    if (following) toEnd();
  }, [following, state.messages, state.status, toEnd]);

  // A composer that grows, or a phone's keyboard, takes from the log's height and so from its end.
  useEffect(() => {
    const log = logRef.current;
    if (!following || log === null) return;
    const observer = new ResizeObserver(toEnd);
    observer.observe(log);
    return () => observer.disconnect();
  }, [following, toEnd]);

  const onScroll = (): void => {
    const log = logRef.current;
    if (log !== null) setFollowing(log.scrollHeight - log.scrollTop - log.clientHeight < followDistance);
  };

  const ask = (text: string): void => {
    setFollowing(true);
    send(text);
    focus();
  };

  // The button that was pressed goes; the log stays, and opens no keyboard on a phone.
  const askAgain = (): void => {
    retry();
    focusFirst(logRef.current);
  };
  const dismissError = (): void => {
    dismiss();
    focusFirst(logRef.current);
  };

  const showEarlier = async (): Promise<void> => {
    if (reading) return;
    setReading(true);
    let show: () => void = () => undefined;
    try {
      show = await readEarlier();
    } catch (error) {
      onError(error, 'The earlier messages could not be read.');
    }
    const log = logRef.current;
    const below = log === null ? 0 : log.scrollHeight - log.scrollTop;
    flushSync(() => {
      setReading(false);
      show();
    });
    if (log === null) return;
    // What was in sight stays there.
    log.scrollTop = log.scrollHeight - below;
    // The button goes with the first message.
    if (document.activeElement === document.body) focusFirst(log);
  };

  const openConversation = (id: number | null): void => {
    if (id !== null && id === state.conversationId && state.messages.length > 0) {
      focus();
      return;
    }
    open(id)
      .then((isOpen) => {
        if (!isOpen) return;
        setConversationInAddress(id);
        setFollowing(true);
        focus();
      })
      .catch((error: unknown) => onError(error, 'The conversation could not be opened.'));
  };

  const latest = useRef({ state, openConversation });
  useEffect(() => {
    latest.current = { state, openConversation };
  });
  const deleteConversation = (conversation: Conversation, byKeyboard: boolean): void => {
    const wasOpen = conversation.id === state.conversationId;
    if (wasOpen) {
      void open(null);
      setConversationInAddress(null);
      setFollowing(true);
    }
    deletes.remove(conversation, {
      takesFocus: byKeyboard,
      onUndo: () => {
        // Not where something else was opened or begun meanwhile.
        if (wasOpen && latest.current.state.messages.length === 0) latest.current.openConversation(conversation.id);
      },
    });
  };

  return (
    <section className="pane chat-pane" aria-labelledby="chat-heading" id="chat">
      <div className="pane-head">
        <div>
          <h2 id="chat-heading">Assistant</h2>
          {engine !== null && (
            <p className="engine" data-engine={engine.name}>
              {engineLabel(engine)}
            </p>
          )}
        </div>
        <div className="pane-actions">
          <ConversationMenu
            userId={userId}
            current={state.conversationId}
            hidden={deletes.hidden}
            onOpen={openConversation}
            onDelete={deleteConversation}
            onError={onError}
          />
          <button
            type="button"
            className="icon-button"
            aria-label="New conversation"
            disabled={state.messages.length === 0}
            onClick={() => openConversation(null)}
          >
            <Icon name="plus" />
          </button>
        </div>
      </div>
      <div
        ref={logRef}
        className="chat-log"
        role="log"
        aria-label="Conversation"
        // Deltas are not read out; the finished reply is, once, below.
        aria-live="off"
        aria-busy={busy}
        // The log scrolls, so it must be reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onScroll={onScroll}
      >
        {state.earlier !== null && (
          <button type="button" className="button button-quiet earlier" aria-disabled={reading} onClick={() => void showEarlier()}>
            {reading ? 'Reading…' : 'Earlier messages'}
          </button>
        )}
        {state.messages.length === 0 ? (
          <div className="chat-welcome">
            <p className="empty-title">What would you like to do?</p>
            <p>Write as you would say it. The list follows.</p>
            <ul className="suggestions">
              {suggestions.map((suggestion) => (
                <li key={suggestion}>
                  <button type="button" className="suggestion" disabled={busy} onClick={() => ask(suggestion)}>
                    {suggestion}
                  </button>
                </li>
              ))}
            </ul>
          </div>
        ) : (
          state.messages.map((message, index) => (
            <MessageItem
              key={message.key}
              message={message}
              now={now}
              streaming={busy && message.role === 'assistant' && index === state.messages.length - 1}
            />
          ))
        )}
        {isThinking(state) && (
          <p className="typing">
            <span className="typing-dots" aria-hidden="true">
              <span />
              <span />
              <span />
            </span>
            <span className="visually-hidden">The assistant is working</span>
          </p>
        )}
        {state.error !== null && (
          <div className="notice notice-error" role="alert">
            <span>{state.error}</span>
            <span className="notice-actions">
              {state.retry !== null && (
                <button type="button" className="button" onClick={askAgain}>
                  <Icon name="retry" />
                  Retry
                </button>
              )}
              <button type="button" className="icon-button" aria-label="Dismiss" onClick={dismissError}>
                <Icon name="close" />
              </button>
            </span>
          </div>
        )}
        {state.error === null && state.retry !== null && !busy && (
          <p className="retry-line">
            <button type="button" className="button button-quiet" onClick={askAgain}>
              <Icon name="retry" />
              Retry
            </button>
          </p>
        )}
      </div>
      {/* Outside the log, which says nothing while it is busy. */}
      <div className="chat-status" role="status">
        {state.status === 'retrying' && (
          <p className="notice">
            The assistant is busy or restarting. Trying again ({state.attempt} of {maxAttempts})…
          </p>
        )}
      </div>
      {!following && (
        <button
          type="button"
          className="to-latest"
          onClick={() => {
            setFollowing(true);
            focusFirst(logRef.current);
          }}
        >
          <Icon name="down" />
          Latest
        </button>
      )}
      <div className="visually-hidden" aria-live="polite" data-testid="announcement">
        {state.announcement}
      </div>
      <Composer
        ref={composerRef}
        value={draft}
        onChange={changeDraft}
        busy={busy}
        onStop={stop}
        onSend={() => {
          const text = draft.trim();
          changeDraft('');
          ask(text);
        }}
      />
    </section>
  );
};
