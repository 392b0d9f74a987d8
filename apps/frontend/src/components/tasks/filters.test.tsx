import { readFileSync } from 'node:fs';
import { cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import type { Window } from 'happy-dom';
import { afterEach, expect, test, vi } from 'vitest';
import type { TaskQuery } from '@/lib/types';
import { Filters } from './filters';

afterEach(cleanup);

const query: TaskQuery = { status: 'pending', q: '', tag: '', priority: '', sort: 'newest' };
const renderFilters = (changes: Partial<TaskQuery> = {}, tags: string[] = ['work', 'home']) => {
  const onChange = vi.fn();
  const onSelecting = vi.fn();
  render(
    <Filters query={{ ...query, ...changes }} tags={new Set(tags)} onChange={onChange} selecting={false} onSelecting={onSelecting} />,
  );
  return { onChange, onSelecting };
};

test('each control changes its own part of the query', () => {
  const { onChange, onSelecting } = renderFilters();
  fireEvent.click(screen.getByRole('radio', { name: 'Done' }));
  fireEvent.change(screen.getByRole('searchbox'), { target: { value: 'milk' } });
  fireEvent.change(screen.getByLabelText('Priority'), { target: { value: 'high' } });
  fireEvent.change(screen.getByLabelText('Tag'), { target: { value: 'home' } });
  fireEvent.change(screen.getByLabelText('Sort'), { target: { value: 'due' } });
  expect(onChange.mock.calls).toEqual([
    [{ status: 'completed' }],
    [{ q: 'milk' }],
    [{ priority: 'high' }],
    [{ tag: 'home' }],
    [{ sort: 'due' }],
  ]);
  fireEvent.click(screen.getByRole('button', { name: 'Select' }));
  expect(onSelecting).toHaveBeenCalledWith(true);
});

test('tags are offered in order; the chosen one also when no task in sight has it', () => {
  renderFilters({ tag: 'errand' });
  const options = within(screen.getByLabelText('Tag')).getAllByRole('option');
  expect(options.map((option) => option.textContent)).toEqual(['Any tag', 'errand', 'home', 'work']);
});

test('without tags there is nothing to choose', () => {
  renderFilters({}, []);
  expect(screen.queryByLabelText('Tag')).toBeNull();
});

test('the chosen filter is told from the others where the system sets the colours', () => {
  (window as unknown as Window).happyDOM.settings.device.forcedColors = 'active';
  const style = document.createElement('style');
  style.textContent = readFileSync('src/styles/tasks.css', 'utf8');
  document.head.append(style);
  renderFilters();
  expect(['To do', 'Done', 'All'].map((label) => getComputedStyle(screen.getByText(label)).outlineWidth)).toEqual(['2px', '', '']);
  style.remove();
});
