import { expect, test } from 'vitest';
import { toPlainText } from './plain-text';

test.each([
  ['Added **Milk** and _bread_, ~~eggs~~.', 'Added Milk and bread, eggs.'],
  ['# Tasks\n\n- [ ] Buy `milk`\n- [x] Rest\n* Read', 'Tasks\n\nto do: Buy milk\ndone: Rest\nRead'],
  ['See [the page](https://example.org/a_b) > here', 'See the page > here'],
  ['```json\n{"a": 1}\n```', '{"a": 1}'],
  ['| Task | Due |\n| --- | :-: |\n| Milk | today |', 'Task Due\n\n Milk today'],
  ['3 * 4 * 5, snake_case_name and 2 \\* 3', '3 * 4 * 5, snake_case_name and 2 * 3'],
  ['> Quoted\n\n---\n\n1. First', 'Quoted\n\n1. First'],
])('%j is read out as %j', (markdown, words) => {
  expect(toPlainText(markdown)).toBe(words);
});
