'use client';

import { useCallback, useState } from 'react';
import { deleteConversation } from './api';
import type { Conversation } from './types';
import { useHeldDeletes, type HeldDeletes } from './use-held-deletes';
import type { Toast } from './use-toasts';

type Options = {
  userId: string;
  /** Answers what takes the toast away again. */
  showToast: (toast: Omit<Toast, 'id'>) => () => void;
  onError: (error: unknown, text: string) => void;
};

export type ConversationDeletes = Pick<HeldDeletes<Conversation>, 'finish'> & {
  /** Deleted on the page; the server follows when no undo is offered any more. */
  hidden: ReadonlySet<number>;
  remove: (conversation: Conversation, options: { takesFocus: boolean; onUndo: () => void }) => void;
};

/** The name under which a conversation is listed. */
export const nameOf = ({ id, title }: Conversation): string => (title === '' ? `Conversation ${id}` : title);

/** Conversations that were deleted on the page and can be brought back for a while. */
export const useConversationDeletes = ({ userId, showToast, onError }: Options): ConversationDeletes => {
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const { hold, finish } = useHeldDeletes<Conversation>({
    deleteOne: (id, init) => deleteConversation(userId, id, init),
    hide: (ids) => setHidden((before) => new Set([...before, ...ids])),
    unhide: (ids) => setHidden((before) => new Set([...before].filter((id) => !ids.includes(id)))),
    onFailed: ({ error }) => onError(error, 'The conversation was not deleted.'),
    showToast,
  });
  const remove = useCallback<ConversationDeletes['remove']>(
    (conversation, { takesFocus, onUndo }) =>
      hold([conversation], { text: `Deleted the conversation “${nameOf(conversation)}”.`, takesFocus }, onUndo),
    [hold],
  );
  return { hidden, remove, finish };
};
