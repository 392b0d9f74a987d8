/** Due dates as people say them. All in the reader's time zone. */

const dayMs = 86_400_000;

const startOfDay = (date: Date): Date => new Date(date.getFullYear(), date.getMonth(), date.getDate());

/** Whole days from `now` to `date`, counted by midnights (daylight saving included). */
export const daysUntil = (date: Date, now: Date): number =>
  Math.round((startOfDay(date).getTime() - startOfDay(now).getTime()) / dayMs);

/** A task due "on a day" is due at its last minute: nobody wants it overdue at breakfast. */
const endOfDay = (date: Date): Date =>
  new Date(date.getFullYear(), date.getMonth(), date.getDate(), 23, 59, 0, 0);

const isWholeDay = (date: Date): boolean => date.getHours() === 23 && date.getMinutes() === 59;

const time = (date: Date): string => date.toLocaleTimeString(undefined, { hour: 'numeric', minute: '2-digit' });

/** "Today", "Tomorrow 9:00 AM", "Fri", "Dec 24": short, and exact where it matters. */
export const formatDue = (dueAt: string, now: Date): string => {
  const due = new Date(dueAt);
  const days = daysUntil(due, now);
  let day: string;
  if (days === 0) day = 'Today';
  else if (days === 1) day = 'Tomorrow';
  else if (days === -1) day = 'Yesterday';
  else if (days > 1 && days < 7) day = due.toLocaleDateString(undefined, { weekday: 'long' });
  else
    day = due.toLocaleDateString(undefined, {
      month: 'short',
      day: 'numeric',
      ...(due.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' }),
    });
  return isWholeDay(due) ? day : `${day}, ${time(due)}`;
};

export const isOverdue = (dueAt: string, now: Date): boolean => new Date(dueAt).getTime() < now.getTime();

const pad = (value: number): string => String(value).padStart(2, '0');

/** The value of <input type="date">. */
export const toDateInput = (dueAt: string | null | undefined): string => {
  if (!dueAt) return '';
  const date = new Date(dueAt);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
};

/** The value of <input type="time">; empty for a whole day. */
export const toTimeInput = (dueAt: string | null | undefined): string => {
  if (!dueAt) return '';
  const date = new Date(dueAt);
  return isWholeDay(date) ? '' : `${pad(date.getHours())}:${pad(date.getMinutes())}`;
};

/** The opposite of the two above: RFC 3339 in UTC, or null without a date. */
export const fromInputs = (date: string, clock: string): string | null => {
  const day = /^(\d{4,})-(\d{2})-(\d{2})$/.exec(date);
  if (day === null) return null;
  const [hours, minutes] = clock === '' ? [23, 59] : clock.split(':').map(Number);
  return new Date(Number(day[1]), Number(day[2]) - 1, Number(day[3]), hours, minutes).toISOString();
};

export const endOfDayIn = (days: number, now: Date): string =>
  endOfDay(new Date(now.getFullYear(), now.getMonth(), now.getDate() + days)).toISOString();

/** Time of day for what is from today, date and time for what is older. */
export const formatStamp = (at: string, now: Date): string => {
  const date = new Date(at);
  if (daysUntil(date, now) === 0) return time(date);
  return `${date.toLocaleDateString(undefined, { month: 'short', day: 'numeric' })}, ${time(date)}`;
};
