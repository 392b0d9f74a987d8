import { expect, test } from 'vitest';
import type { ToolPart } from '../../lib/chat-reducer';
import { summarize } from './tool-card';

const listed = (output: unknown): string =>
  summarize({ type: 'tool', id: 'c', name: 'list_tasks', arguments: {}, state: 'done', output } as unknown as ToolPart);

test.each([
  ['a plain list', [{}, {}], 2],
  ['a wrapped list', { result: [{}] }, 1],
  ['a long list that was cut', { result: [{}, {}], count: 1000 }, 1000],
])('%s says how many tasks there are', (_, output, count) => {
  expect(listed(output)).toContain(` ${count} task`);
});
