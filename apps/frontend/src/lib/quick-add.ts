import { endOfDayIn } from './dates';
import { priorities, type Priority, type TaskDraft } from './types';

const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

const dueIn = (word: string, now: Date): string | null => {
  if (word === 'today') return endOfDayIn(0, now);
  if (word === 'tomorrow') return endOfDayIn(1, now);
  const weekday = word.length >= 3 ? weekdays.findIndex((name) => name.startsWith(word)) : -1;
  // The next such day, never today: "@monday" said on a Monday means in a week.
  if (weekday >= 0) return endOfDayIn(((weekday - now.getDay() + 6) % 7) + 1, now);
  const date = /^(\d{4})-(\d{2})-(\d{2})$/.exec(word);
  if (date === null) return null;
  const due = new Date(Number(date[1]), Number(date[2]) - 1, Number(date[3]), 23, 59);
  return due.getDate() === Number(date[3]) ? due.toISOString() : null;
};

/**
 * Reads "Pay rent @tomorrow !high #home": a tag, priority or due day is a word of its own with its
 * mark in front. A word that fits none stays in the title, so nothing typed is lost.
 */
export const parseQuickAdd = (line: string, now: Date): TaskDraft => {
  const tags: string[] = [];
  let priority: Priority | undefined;
  let dueAt: string | undefined;
  const words = line
    .trim()
    .split(/\s+/)
    .filter((word) => {
      const value = word.slice(1).toLowerCase();
      if (/^#[\p{L}\p{N}_-]{1,30}$/u.test(word) && tags.length < 10) {
        if (!tags.includes(value)) tags.push(value);
        return false;
      }
      const named = word.startsWith('!') ? priorities.find((name) => name !== 'none' && name === value) : undefined;
      if (named !== undefined) {
        priority = named;
        return false;
      }
      const due = word.startsWith('@') ? dueIn(value, now) : null;
      if (due !== null) {
        dueAt = due;
        return false;
      }
      return true;
    });
  return {
    title: words.join(' '),
    ...(tags.length > 0 ? { tags } : {}),
    ...(priority === undefined ? {} : { priority }),
    ...(dueAt === undefined ? {} : { due_at: dueAt }),
  };
};
