'use client';

import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiError, deleteConversation } from './api';
import type { Conversation } from './types';
import type { Toast } from './use-toasts';

type Options = {
  userId: string;
  /** Answers what takes the toast away again. */
  showToast: (toast: Omit<Toast, 'id'>) => () => void;
  onError: (error: unknown, text: string) => void;
};

export type ConversationDeletes = {
  /** Deleted on the page; the server follows when no undo is offered any more. */
  hidden: ReadonlySet<number>;
  remove: (conversation: Conversation, options: { takesFocus: boolean; onUndo: () => void }) => void;
  /** Deletes at once what waits for its undo, which goes; throws where that fails. */
  finish: () => Promise<void>;
};

/** The name under which a conversation is listed. */
export const nameOf = ({ id, title }: Conversation): string => (title === '' ? `Conversation ${id}` : title);

/** Conversations that were deleted on the page and can be brought back for a while. */
export const useConversationDeletes = ({ userId, showToast, onError }: Options): ConversationDeletes => {
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  /** Those that wait for their undo, and what takes its toast away. */
  const waiting = useRef(new Map<number, () => void>());

  const unhide = useCallback((id: number): void => {
    setHidden((ids) => new Set([...ids].filter((other) => other !== id)));
  }, []);

  const deleteNow = useCallback(
    async (id: number): Promise<void> => {
      if (!waiting.current.delete(id)) return;
      try {
        await deleteConversation(userId, id);
      } catch (error) {
        // Where it is gone already, that is what was wanted.
        if (error instanceof ApiError && error.status === 404) return;
        unhide(id);
        throw error;
      }
    },
    [userId, unhide],
  );

  const remove = useCallback<ConversationDeletes['remove']>(
    (conversation, { takesFocus, onUndo }) => {
      const { id } = conversation;
      setHidden((ids) => new Set(ids).add(id));
      const closeUndo = showToast({
        tone: 'info',
        text: `Deleted the conversation “${nameOf(conversation)}”.`,
        takesFocus,
        action: {
          label: 'Undo',
          run: () => {
            waiting.current.delete(id);
            unhide(id);
            onUndo();
          },
        },
        onExpire: () => {
          deleteNow(id).catch((error: unknown) => onError(error, 'The conversation was not deleted.'));
        },
      });
      waiting.current.set(id, closeUndo);
    },
    [showToast, unhide, deleteNow, onError],
  );

  const finish = useCallback(async (): Promise<void> => {
    for (const closeUndo of waiting.current.values()) closeUndo();
    await Promise.all([...waiting.current.keys()].map(deleteNow));
  }, [deleteNow]);

  useEffect(() => {
    // A page that is left has no later moment to delete them.
    const onLeave = (): void => {
      for (const id of waiting.current.keys()) void deleteConversation(userId, id, { keepalive: true }).catch(() => undefined);
      waiting.current.clear();
    };
    window.addEventListener('pagehide', onLeave);
    return () => window.removeEventListener('pagehide', onLeave);
  }, [userId]);

  return { hidden, remove, finish };
};
