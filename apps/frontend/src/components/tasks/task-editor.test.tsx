import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { fromInputs } from '@/lib/dates';
import { emptyTask } from '@/lib/tasks-reducer';
import type { Task } from '@/lib/types';
import { TaskEditor } from './task-editor';

afterEach(() => {
  cleanup();
  localStorage.clear();
});

const renderEditor = (changes: Partial<Task> = {}) => {
  const onSave = vi.fn<Parameters<typeof TaskEditor>[0]['onSave']>().mockResolvedValue(null);
  const onCancel = vi.fn();
  const task = { ...emptyTask(1, 'u', '2026-11-23T09:00:00Z'), title: 'Buy milk', ...changes };
  const editor = (now: Task) => <TaskEditor task={now} takesFocus onSave={onSave} onCancel={onCancel} />;
  const { rerender } = render(editor(task));
  return { onSave, onCancel, changeTask: (next: Partial<Task>) => rerender(editor({ ...task, ...next })) };
};
const set = (label: string, value: string): boolean => fireEvent.change(screen.getByLabelText(label), { target: { value } });
const valueOf = (label: string): string => screen.getByLabelText<HTMLInputElement>(label).value;
const save = (): boolean => fireEvent.click(screen.getByRole('button', { name: /Save|Try again/ }));

test('only what was changed is saved', () => {
  const { onSave } = renderEditor({ tags: ['shop'], description: 'Two litres' });
  expect(document.activeElement).toBe(screen.getByLabelText('Title'));
  set('Priority', 'high');
  set('Tags', '#shop, home, home');
  set('Due date', '2026-12-24');
  save();
  expect(onSave).toHaveBeenCalledWith({ priority: 'high', tags: ['shop', 'home'], due_at: fromInputs('2026-12-24', '') });
});

test('commas alone part the tags, and the field says so', () => {
  const { onSave } = renderEditor();
  expect(document.getElementById(screen.getByLabelText('Tags').getAttribute('aria-describedby') ?? '')?.textContent).toContain('commas');
  set('Tags', 'home office,  # front garden ,');
  save();
  expect(onSave).toHaveBeenCalledWith({ tags: ['home office', 'front garden'] });
});

test('tags that were not touched stay as they are', () => {
  const { onSave } = renderEditor({ tags: ['home office', 'a,b'] });
  set('Priority', 'high');
  save();
  expect(onSave).toHaveBeenCalledWith({ priority: 'high' });
});

test('a due date can be taken away', () => {
  const { onSave } = renderEditor({ due_at: '2026-12-24T12:00:00Z' });
  set('Due date', '');
  expect(screen.getByLabelText<HTMLInputElement>('Time').disabled).toBe(true);
  save();
  expect(onSave).toHaveBeenCalledWith({ due_at: null });
});

test('nothing changed is nothing to save; Escape and Cancel leave it as it was', () => {
  const { onSave, onCancel } = renderEditor({ due_at: '2026-12-24T12:00:00Z', description: '' });
  save();
  fireEvent.keyDown(screen.getByLabelText('Notes'), { key: 'Escape' });
  fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
  expect(onCancel).toHaveBeenCalledTimes(3);
  expect(onSave).not.toHaveBeenCalled();
});

test.each([
  ['Title', '  ', 'A task needs a title.'],
  ['Tags', 'a,b,c,d,e,f,g,h,i,j,k', 'At most 10 tags; these are 11.'],
  ['Tags', 'x'.repeat(31), 'longer than 30 characters'],
  ['Title', '🥛'.repeat(201), 'at most 200 characters; this one has 201'],
  ['Notes', '🥛'.repeat(1001), 'at most 1000 characters; these have 1001'],
])('%s “%s” is refused', (label, value, said) => {
  const { onSave } = renderEditor();
  set(label, value);
  screen.getByRole('button', { name: 'Save' }).focus();
  save();
  const field = screen.getByLabelText(label);
  expect(document.activeElement).toBe(field);
  expect(field.getAttribute('aria-invalid')).toBe('true');
  expect(document.getElementById(field.getAttribute('aria-describedby') ?? '')?.textContent).toContain(said);
  expect(onSave).not.toHaveBeenCalled();
});

test('an emoji is one character, as the server counts', () => {
  const { onSave } = renderEditor();
  const typed = { title: '🥛'.repeat(200), description: '🥛'.repeat(1000), tags: ['🥛'.repeat(30)] };
  expect(screen.getByLabelText('Title').hasAttribute('maxlength')).toBe(false);
  set('Title', typed.title);
  set('Notes', typed.description);
  set('Tags', typed.tags.join());
  save();
  expect(onSave).toHaveBeenCalledWith(typed);
});

test('what was not changed is not checked: the server has taken it', () => {
  const { onSave } = renderEditor({ tags: ['x'.repeat(31)] });
  set('Priority', 'high');
  save();
  expect(onSave).toHaveBeenCalledWith({ priority: 'high' });
});

test('what was refused stays typed, says why, and can be saved again', async () => {
  const { onSave } = renderEditor();
  onSave.mockResolvedValueOnce({ text: '“Buy milk” was not saved. The service is not ready yet.', changedElsewhere: false });
  set('Title', 'Buy oat milk');
  save();
  expect((await screen.findByRole('alert')).textContent).toContain('not ready');
  expect(valueOf('Title')).toBe('Buy oat milk');
  save();
  await vi.waitFor(() => expect(onSave.mock.calls).toEqual([[{ title: 'Buy oat milk' }], [{ title: 'Buy oat milk' }]]));
});

test('it is saved once, however often the button is pressed', () => {
  const { onSave } = renderEditor();
  onSave.mockReturnValue(new Promise(() => undefined));
  set('Title', 'Buy oat milk');
  save();
  fireEvent.click(screen.getByRole('button', { name: 'Saving…' }));
  expect(onSave).toHaveBeenCalledTimes(1);
});

test('a field that was not touched follows the task, and is not saved back', () => {
  const { onSave, changeTask } = renderEditor();
  set('Title', 'Buy oat milk');
  changeTask({ priority: 'high' });
  expect([valueOf('Priority'), valueOf('Title')]).toEqual(['high', 'Buy oat milk']);
  save();
  expect(onSave).toHaveBeenCalledWith({ title: 'Buy oat milk' });
});

test('a field that was changed elsewhere is overwritten only when that was said', () => {
  const { onSave, changeTask } = renderEditor();
  set('Title', 'Buy oat milk');
  changeTask({ title: 'Buy cow milk' });
  set('Title', 'Buy soy milk');
  save();
  expect(screen.getByRole('alert').textContent).toBe(
    '“Buy cow milk” was not saved. This was changed elsewhere in the meantime.',
  );
  expect(onSave).not.toHaveBeenCalled();
  save();
  expect(onSave).toHaveBeenCalledWith({ title: 'Buy soy milk' });
});

test('where the server said it first, the next try saves; what comes after that is said again', async () => {
  const { onSave, changeTask } = renderEditor();
  const isPressable = (): Promise<HTMLElement> => screen.findByRole('button', { name: 'Try again' });
  onSave.mockResolvedValueOnce({ text: 'Changed.', changedElsewhere: true });
  set('Title', 'Buy oat milk');
  save();
  await isPressable();
  changeTask({ title: 'Buy cow milk' });
  onSave.mockResolvedValueOnce({ text: 'Not ready.', changedElsewhere: false });
  save();
  await isPressable();
  expect(onSave).toHaveBeenCalledTimes(2);
  changeTask({ title: 'Buy goat milk' });
  save();
  expect(onSave).toHaveBeenCalledTimes(2);
  expect(screen.getByRole('alert').textContent).toMatch(/changed elsewhere/);
});

test('what was changed elsewhere while the page was away is not overwritten unasked', () => {
  renderEditor();
  set('Title', 'Buy oat milk');
  cleanup();
  const { onSave } = renderEditor({ title: 'Buy cow milk' });
  expect(valueOf('Title')).toBe('Buy oat milk');
  save();
  expect(onSave).not.toHaveBeenCalled();
});

test('what was typed outlives the page until it is saved or given up', async () => {
  renderEditor();
  set('Notes', 'Two litres');
  cleanup();
  const { onSave } = renderEditor();
  expect(valueOf('Notes')).toBe('Two litres');
  save();
  expect(onSave).toHaveBeenCalledWith({ description: 'Two litres' });
  await vi.waitFor(() => expect(localStorage).toHaveLength(0));
  set('Notes', 'Three');
  fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
  expect(localStorage).toHaveLength(0);
});
