'use client';

import { useCallback, useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { listConversations } from '@/lib/api';
import { formatStamp } from '@/lib/dates';
import type { Conversation, ConversationPage } from '@/lib/types';
import { nameOf } from '@/lib/use-conversation-deletes';
import { useNow } from '@/lib/use-now';
import { Icon } from '../icons';

type Props = {
  userId: string;
  current: number | null;
  /** Deleted ones, which the server may still have. */
  hidden: ReadonlySet<number>;
  onOpen: (conversationId: number | null) => void;
  onDelete: (conversation: Conversation, byKeyboard: boolean) => void;
  onError: (error: unknown, text: string) => void;
};

export const ConversationMenu = ({ userId, current, hidden, onOpen, onDelete, onError }: Props) => {
  const [open, setOpen] = useState(false);
  const [page, setPage] = useState<ConversationPage | null>(null);
  const [firstNew, setFirstNew] = useState(0);
  const rootRef = useRef<HTMLDivElement>(null);
  const buttonRef = useRef<HTMLButtonElement>(null);
  const now = useNow();
  const listed = page?.conversations.filter(({ id }) => !hidden.has(id)) ?? [];

  const load = async (shown: ConversationPage | null): Promise<void> => {
    const first = shown === null ? 0 : listed.length;
    try {
      const next = await listConversations(userId, shown?.nextCursor ?? null);
      setPage({ ...next, conversations: [...(shown?.conversations ?? []), ...next.conversations] });
      if (first > 0) setFirstNew(first);
    } catch (error) {
      if (shown === null) setOpen(false);
      onError(error, 'The conversations could not be read.');
    }
  };

  // The button that was pressed has moved away, or is gone.
  useEffect(() => {
    if (firstNew > 0) rootRef.current?.querySelectorAll<HTMLElement>('.menu-item')[firstNew]?.focus();
  }, [firstNew]);

  const close = useCallback((): void => {
    setOpen(false);
    buttonRef.current?.focus();
  }, []);

  useEffect(() => {
    if (!open) return;
    const onPointer = (event: PointerEvent): void => {
      if (!rootRef.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', onPointer);
    return () => document.removeEventListener('pointerdown', onPointer);
  }, [open]);

  const toggle = (): void => {
    if (!open) {
      setPage(null);
      setFirstNew(0);
      void load(null);
    }
    setOpen(!open);
  };

  const remove = (conversation: Conversation, byKeyboard: boolean): void => {
    buttonRef.current?.focus(); // the one pressed goes with its conversation
    onDelete(conversation, byKeyboard);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && open) close();
  };

  return (
    // Escape is a shortcut for the button inside.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div className="menu" ref={rootRef} onKeyDown={onKeyDown}>
      <button
        ref={buttonRef}
        type="button"
        className="icon-button"
        aria-expanded={open}
        aria-controls="conversation-menu"
        aria-label="Earlier conversations"
        onClick={toggle}
      >
        <Icon name="history" />
      </button>
      {open && (
        <div className="menu-panel" id="conversation-menu" role="region" aria-label="Earlier conversations">
          {page === null && <p className="menu-note">Reading…</p>}
          {page?.nextCursor === null && listed.length === 0 && <p className="menu-note">Conversations are kept here.</p>}
          <ul>
            {listed.map((conversation) => (
              <li key={conversation.id}>
                <button
                  type="button"
                  className="menu-item"
                  aria-current={conversation.id === current ? 'true' : undefined}
                  onClick={() => {
                    setOpen(false);
                    onOpen(conversation.id);
                  }}
                >
                  <span className="menu-title" dir="auto">
                    {nameOf(conversation)}
                  </span>
                  {now !== null && <time dateTime={conversation.updated_at}>{formatStamp(conversation.updated_at, now)}</time>}
                </button>
                <button
                  type="button"
                  className="icon-button"
                  aria-label={`Delete conversation ${conversation.title}`}
                  // A click without a pointer has no count.
                  onClick={(event) => remove(conversation, event.detail === 0)}
                >
                  <Icon name="trash" />
                </button>
              </li>
            ))}
          </ul>
          {page?.nextCursor != null && (
            <button type="button" className="button button-quiet button-wide" onClick={() => void load(page)}>
              Show more
            </button>
          )}
        </div>
      )}
    </div>
  );
};
