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
export type EditDraft = {
  id: number;
  typed: Partial<Edited>;
  /** What the task held in these fields when the reader last knew: nothing newer is overwritten unasked. */
  base: Partial<Edited>;
};

const name = 'edit';

export const readEditDraft = (userId: string): EditDraft | null => {
  try {
    const draft: unknown = JSON.parse(readDraft(userId, name));
    const { id, typed, base } = (draft ?? {}) as Record<string, unknown>;
    if (typeof id !== 'number' || typeof typed !== 'object' || typed === null) return null;
    return { id, typed, base: typeof base === 'object' && base !== null ? base : {} };
  } catch {
    return null;
  }
};

/** Keeps the newest edit only; nothing typed takes away what is kept of that task. */
export const writeEditDraft = (userId: string, draft: EditDraft): void => {
  if (Object.keys(draft.typed).length > 0) writeDraft(userId, name, JSON.stringify(draft));
  else if (readEditDraft(userId)?.id === draft.id) writeDraft(userId, name, '');
};
