import { expect, test } from 'vitest';
import { parseQuickAdd } from './quick-add';

const monday = new Date(2026, 10, 23, 9, 0);
const endOf = (month: number, day: number): string => new Date(2026, month - 1, day, 23, 59).toISOString();

test('reads tags, priority and due day, and leaves the title', () => {
  expect(parseQuickAdd('  Pay rent @tomorrow !high #home #Money  ', monday)).toEqual({
    title: 'Pay rent',
    due_at: endOf(11, 24),
    priority: 'high',
    tags: ['home', 'money'],
  });
});

test.each([
  ['@today', endOf(11, 23)],
  ['@friday', endOf(11, 27)],
  ['@fri', endOf(11, 27)],
  ['@monday', endOf(11, 30)],
  ['@2026-12-24', endOf(12, 24)],
])('%s is the end of that day', (word, due) => {
  expect(parseQuickAdd(`Do it ${word}`, monday)).toEqual({ title: 'Do it', due_at: due });
});

test.each(['Mail bob@tomorrow.org', 'Say hi @bob', 'Wow !great', 'Fix issue # 12', 'Meet @2026-02-31', 'Buy sun screen', 'Ask @to'])(
  '%s is all title',
  (line) => {
    expect(parseQuickAdd(line, monday)).toEqual({ title: line });
  },
);

test('a tag is kept once, and the eleventh stays in the title', () => {
  const tags = Array.from({ length: 10 }, (_, index) => `t${index}`);
  expect(parseQuickAdd(`Do #a #a`, monday).tags).toEqual(['a']);
  expect(parseQuickAdd(`Do ${tags.map((tag) => `#${tag}`).join(' ')} #more`, monday)).toEqual({ title: 'Do #more', tags });
});
