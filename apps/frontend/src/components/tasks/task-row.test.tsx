import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { emptyTask, type ListedTask } from '@/lib/tasks-reducer';
import { TaskRow } from './task-row';

afterEach(() => {
  cleanup();
  localStorage.clear();
});

const now = new Date('2026-11-23T12:00:00');
const renderRow = (changes: Partial<ListedTask> = {}, { selecting = false, unsaved = false } = {}) => {
  const task: ListedTask = { ...emptyTask(7, 'u', '2026-11-23T09:00:00Z'), title: 'Pay rent', ...changes };
  const handlers = { onToggle: vi.fn(), onSave: vi.fn().mockResolvedValue(null), onDelete: vi.fn(), onSelect: vi.fn(), onTag: vi.fn() };
  const row = (
    <ul>
      <TaskRow task={task} now={now} touched={false} selecting={selecting} selected={false} unsaved={unsaved} {...handlers} />
    </ul>
  );
  return { ...render(row), task, ...handlers };
};
const press = (name: string): boolean => fireEvent.click(screen.getByRole('button', { name }));

test('everything a task has is shown in words', () => {
  renderRow({
    description: 'By transfer',
    due_at: new Date('2026-11-22T09:00:00').toISOString(),
    priority: 'high',
    recurrence: 'monthly',
    tags: ['home'],
  });
  const text = screen.getByRole('listitem').textContent;
  for (const part of ['By transfer', 'Overdue', 'Yesterday', 'high priority', 'monthly', 'home', 'Task 7']) {
    expect(text).toContain(part);
  }
});

test('a completed task is never overdue', () => {
  renderRow({ due_at: '2020-01-01T09:00:00Z', completed: true });
  expect(screen.getByRole<HTMLInputElement>('checkbox').checked).toBe(true);
  expect(screen.queryByText('Overdue')).toBeNull();
});

test('it is completed, deleted and filtered by its tag', () => {
  const { task, onToggle, onDelete, onTag } = renderRow({ tags: ['home'] });
  fireEvent.click(screen.getByRole('checkbox', { name: 'Complete Pay rent' }));
  press('Delete Pay rent');
  press('Show tag home');
  expect([onToggle.mock.calls, onDelete.mock.calls, onTag.mock.calls]).toEqual([[[task]], [[task, true]], [['home']]]);
});

test.each(['Edit Pay rent', 'Pay rent'])('%s opens the editor; what is saved closes it, focus on the title', async (name) => {
  const { task, onSave } = renderRow();
  press(name);
  fireEvent.change(screen.getByLabelText('Title'), { target: { value: 'Pay the rent' } });
  press('Save');
  expect(onSave).toHaveBeenCalledWith(task, { title: 'Pay the rent' });
  const title = await screen.findByRole('button', { name: 'Pay rent' });
  await vi.waitFor(() => expect(document.activeElement).toBe(title));
});

test('a task that the server has not numbered yet cannot be changed', () => {
  renderRow({ id: -1, saving: true });
  for (const control of [screen.getByRole<HTMLInputElement>('checkbox'), ...screen.getAllByRole<HTMLButtonElement>('button')]) {
    expect(control.disabled).toBe(true);
  }
});

test('while tasks are chosen, its box chooses it instead', () => {
  const { onSelect, onToggle } = renderRow({}, { selecting: true });
  fireEvent.click(screen.getByRole('checkbox', { name: 'Select Pay rent' }));
  expect(onSelect).toHaveBeenCalledWith(7, true);
  expect(onToggle).not.toHaveBeenCalled();
});

test('the editor stays open with what was typed until the server has it', async () => {
  const { onSave } = renderRow();
  onSave.mockResolvedValueOnce({ text: '“Pay rent” was not saved.', changedElsewhere: false });
  press('Edit Pay rent');
  fireEvent.change(screen.getByLabelText('Title'), { target: { value: 'Pay the rent' } });
  press('Save');
  expect((await screen.findByRole('alert')).textContent).toBe('“Pay rent” was not saved.');
  expect(screen.getByLabelText<HTMLInputElement>('Title').value).toBe('Pay the rent');
});

test('an editor that was left with something typed is open again, and takes no focus', () => {
  renderRow({}, { unsaved: true });
  expect(screen.getByRole('form', { name: 'Edit Pay rent' })).toBeDefined();
  expect(document.activeElement).toBe(document.body);
});

test('a tick that is being saved keeps the focus and cannot be ticked again', () => {
  const { onToggle } = renderRow({ saving: true });
  const box = screen.getByRole<HTMLInputElement>('checkbox');
  expect(box.disabled).toBe(false);
  expect(box.getAttribute('aria-disabled')).toBe('true');
  fireEvent.click(box);
  expect(onToggle).not.toHaveBeenCalled();
  expect(box.checked).toBe(false);
});

test('a task whose change was refused does not look as if it were being saved', () => {
  renderRow({ saving: false });
  expect(screen.getByRole('listitem').hasAttribute('data-saving')).toBe(false);
});

test('a delete by pointer is told from one by keyboard', () => {
  const { task, onDelete } = renderRow();
  fireEvent.click(screen.getByRole('button', { name: 'Delete Pay rent' }), { detail: 1 });
  expect(onDelete).toHaveBeenCalledWith(task, false);
});
