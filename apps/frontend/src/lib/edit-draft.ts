import { readDraft, writeDraft } from './drafts';
import type { Priority, Recurrence } from './types';

/** The fields of the editor as they are typed. */
export type Edited = {
  title: string;
  description: string;
  date: string;
  clock: string;
  priority: Priority;
  recurrence: Recurrence;
  tags: string;
};
/** What was typed into the editor of a task and not saved yet. */
export type EditDraft = { id: number; typed: Partial<Edited> };

const name = 'edit';

export const readEditDraft = (userId: string): EditDraft | null => {
  try {
    const draft: unknown = JSON.parse(readDraft(userId, name));
    const { id, typed } = (draft ?? {}) as Record<string, unknown>;
    return typeof id === 'number' && typeof typed === 'object' && typed !== null ? { id, typed } : null;
  } catch {
    return null;
  }
};

/** Keeps the newest edit only; nothing typed takes away what is kept of that task. */
export const writeEditDraft = (userId: string, { id, typed }: EditDraft): void => {
  if (Object.keys(typed).length > 0) writeDraft(userId, name, JSON.stringify({ id, typed }));
  else if (readEditDraft(userId)?.id === id) writeDraft(userId, name, '');
};
