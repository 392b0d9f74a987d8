import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { QuickAdd } from './quick-add';

afterEach(() => {
  cleanup();
  localStorage.clear();
});

const renderQuickAdd = () => {
  const onAdd = vi.fn<Parameters<typeof QuickAdd>[0]['onAdd']>().mockResolvedValue();
  render(<QuickAdd userId="u" onAdd={onAdd} />);
  const field = screen.getByLabelText<HTMLInputElement>('Add a task');
  const type = (value: string): boolean => fireEvent.change(field, { target: { value } });
  type('Buy milk !high');
  fireEvent.click(screen.getByRole('button', { name: 'Add' }));
  expect(onAdd).toHaveBeenCalledWith({ title: 'Buy milk', priority: 'high' }, expect.any(Function));
  /** Refuses the task that was just added. */
  const refuse = (): boolean | undefined => onAdd.mock.calls[0]?.[1]();
  return { field, type, refuse };
};

test('a task that was not made is given back as it was typed', async () => {
  const { field, refuse } = renderQuickAdd();
  expect(field.value).toBe('');
  expect(refuse()).toBe(true);
  await vi.waitFor(() => expect(field.value).toBe('Buy milk !high'));
});

test('what is typed meanwhile is not overwritten', () => {
  const { field, type, refuse } = renderQuickAdd();
  type('Buy bread');
  expect(refuse()).toBe(false);
  expect(field.value).toBe('Buy bread');
});

test('a title of as many emoji as it may have characters is added', () => {
  const { field, type } = renderQuickAdd();
  type('🥛'.repeat(200));
  fireEvent.submit(field);
  expect(screen.queryByRole('alert')).toBeNull();
  expect(field.value).toBe('');
  type('🥛'.repeat(201));
  fireEvent.submit(field);
  expect(screen.getByRole('alert').textContent).toBe('A title has at most 200 characters; this one has 201.');
});
