'use client';

import { useCallback, useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { deleteConversation, listConversations } from '@/lib/api';
import { formatStamp } from '@/lib/dates';
import type { ConversationPage } from '@/lib/types';
import { useNow } from '@/lib/use-now';
import { Icon } from '../icons';

type Props = {
  userId: string;
  current: number | null;
  onOpen: (conversationId: number | null) => void;
  onError: (error: unknown, text: string) => void;
};

export const ConversationMenu = ({ userId, current, onOpen, onError }: Props) => {
  const [open, setOpen] = useState(false);
  const [page, setPage] = useState<ConversationPage | null>(null);
  const [firstNew, setFirstNew] = useState(0);
  const rootRef = useRef<HTMLDivElement>(null);
  const buttonRef = useRef<HTMLButtonElement>(null);
  const now = useNow();

  const load = async (shown: ConversationPage | null): Promise<void> => {
    const first = shown?.conversations.length ?? 0;
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

  const deleting = useRef(new Set<number>());
  const remove = async (id: number): Promise<void> => {
    if (deleting.current.has(id)) return;
    deleting.current.add(id);
    try {
      await deleteConversation(userId, id);
      buttonRef.current?.focus(); // the one pressed is gone with its conversation
      if (id === current) onOpen(null);
      setPage((shown) =>
        shown === null ? null : { ...shown, conversations: shown.conversations.filter((other) => other.id !== id) },
      );
    } catch (error) {
      onError(error, 'The conversation was not deleted.');
    }
    deleting.current.delete(id);
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
          {page?.conversations.length === 0 && page.nextCursor === null && <p className="menu-note">Conversations are kept here.</p>}
          <ul>
            {page?.conversations.map((conversation) => (
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
                    {conversation.title === '' ? `Conversation ${conversation.id}` : conversation.title}
                  </span>
                  {now !== null && <time dateTime={conversation.updated_at}>{formatStamp(conversation.updated_at, now)}</time>}
                </button>
                <button
                  type="button"
                  className="icon-button"
                  aria-label={`Delete conversation ${conversation.title}`}
                  onClick={() => void remove(conversation.id)}
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
