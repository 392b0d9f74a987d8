import { expect, test } from 'vitest';
import { formatDue, fromInputs, isOverdue, toDateInput, toTimeInput } from './dates';

const now = new Date(2026, 10, 23, 9, 0);

test.each([
  [new Date(2026, 10, 23, 23, 59), 'Today'],
  [new Date(2026, 10, 24, 23, 59), 'Tomorrow'],
  [new Date(2026, 10, 22, 23, 59), 'Yesterday'],
  [new Date(2026, 10, 27, 23, 59), 'Friday'],
  [new Date(2026, 11, 24, 23, 59), 'Dec 24'],
  [new Date(2027, 0, 2, 23, 59), 'Jan 2, 2027'],
  [new Date(2026, 10, 24, 15, 30), 'Tomorrow, 3:30 PM'],
])('%s is %s', (due, words) => {
  expect(formatDue(due.toISOString(), now).replace(/\s/g, ' ')).toBe(words);
});

test('a task due today is not overdue before the day ends', () => {
  expect(isOverdue(fromInputs('2026-11-23', '') ?? '', now)).toBe(false);
  expect(isOverdue(fromInputs('2026-11-23', '08:59') ?? '', now)).toBe(true);
});

test.each([
  ['2026-11-23', ''],
  ['2026-11-23', '15:30'],
])('the form gives back what was entered: %s %s', (date, time) => {
  const due = fromInputs(date, time);
  expect([toDateInput(due), toTimeInput(due)]).toEqual([date, time]);
});

test('no date is no due date', () => {
  expect(fromInputs('', '10:00')).toBeNull();
});
