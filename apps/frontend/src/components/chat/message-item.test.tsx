import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import type { Message, ToolPart } from '@/lib/chat-reducer';
import { MessageItem } from './message-item';
import { ToolCard } from './tool-card';

afterEach(cleanup);

const now = new Date('2026-11-23T12:00:00');
const tool = (changes: Partial<ToolPart> = {}): ToolPart => ({
  type: 'tool',
  id: 'c',
  name: 'add_task',
  state: 'done',
  input: { title: 'Milk' },
  output: { task_id: 1, status: 'created', title: 'Milk' },
  error: null,
  ...changes,
});
const message = (changes: Partial<Message> = {}): Message => ({
  key: 'm',
  role: 'assistant',
  createdAt: now.toISOString(),
  parts: [tool(), { type: 'text', id: 't', text: 'Added **Milk**.', streaming: false }],
  ...changes,
});

test.each([
  [tool(), 'Added “Milk”'],
  [tool({ state: 'running', output: null }), 'Adding a task…'],
  [tool({ state: 'stopped', output: null }), 'Adding a task: stopped'],
  [tool({ state: 'failed', output: null, error: 'No such task' }), 'Adding a task failed'],
  [tool({ name: 'list_tasks', output: [{ id: 1 }] }), 'Read 1 task'],
  [tool({ name: 'list_tasks', output: { result: [] } }), 'Read 0 tasks'],
  [tool({ name: 'list_tasks', output: 'nonsense' }), 'Read'],
  [tool({ name: 'order_pizza', output: null }), 'order_pizza'],
  [tool({ name: 'order_pizza', state: 'running' }), 'Running order_pizza…'],
])('a tool call says in words what it did: %#', (part, said) => {
  const { container } = render(<ToolCard part={part} />);
  expect(container.querySelector('summary')?.textContent).toBe(said);
});

test('the details of a tool call are there to open, an error among them', () => {
  render(<ToolCard part={tool({ state: 'failed', output: null, error: 'No such task' })} />);
  expect(screen.getByText('add_task')).toBeDefined();
  expect(screen.getByText(/"title": "Milk"/)).toBeDefined();
  expect(screen.getByText('No such task')).toBeDefined();
  expect(screen.queryByText('Result')).toBeNull();
});

test('a reply has its tools, its text and the time; its words can be copied', () => {
  const writeText = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue();
  const { container } = render(<MessageItem message={message()} now={now} streaming={false} />);
  expect(screen.getByRole('heading', { name: 'Assistant' })).toBeDefined();
  expect(container.querySelector('strong')?.textContent).toBe('Milk');
  expect(container.querySelector('time')?.getAttribute('datetime')).toBe(now.toISOString());
  fireEvent.click(screen.getByRole('button', { name: 'Copy' }));
  expect(writeText).toHaveBeenCalledWith('Added **Milk**.');
});

test('a reply that still comes has no time and nothing to copy yet', () => {
  const { container } = render(<MessageItem message={message()} now={now} streaming />);
  expect(container.querySelector('time')).toBeNull();
  expect(screen.queryByRole('button', { name: 'Copy' })).toBeNull();
});

test.each([
  ['stopped', 'Stopped.'],
  ['cut', 'The connection was lost here.'],
  ['error', 'The reply ended with an error.'],
  ['empty', 'The assistant said nothing.'],
] as const)('a reply that was %s says so', (ended, said) => {
  render(<MessageItem message={message({ ended })} now={now} streaming={false} />);
  expect(screen.getByText(said)).toBeDefined();
});

test("a user's words are shown as they were typed", () => {
  const parts: Message['parts'] = [{ type: 'text', id: 'q', text: '**not bold** <b>nor this</b>', streaming: false }];
  const { container } = render(<MessageItem message={message({ role: 'user', parts })} now={now} streaming={false} />);
  expect(container.querySelector('.message-text')?.textContent).toBe('**not bold** <b>nor this</b>');
  expect(container.querySelector('strong, b')).toBeNull();
});
