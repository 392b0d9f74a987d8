import { describe, expect, test } from 'vitest';
import { emptyTask, fits, initialTasks, tasksReducer, type ListedTask, type TasksAction, type TasksState } from './tasks-reducer';
import type { TaskQuery } from './types';

const at = '2026-11-23T09:00:00Z';
const task = (id: number, changes: Partial<ListedTask> = {}): ListedTask => ({ ...emptyTask(id, 'u', at), title: `Task ${id}`, ...changes });
const query: TaskQuery = { status: 'all', q: '', tag: '', priority: '', sort: 'newest' };
const withTasks = (...tasks: ListedTask[]): TasksState => initialTasks({ tasks, nextCursor: null }, query);
const ids = (state: TasksState): number[] => state.tasks.map(({ id }) => id);
const tool = (output: unknown): TasksAction => ({ type: 'tool', output, userId: 'u', at });

test('a new task is there at once and takes its number when the server confirms', () => {
  const added = tasksReducer(withTasks(task(1)), { type: 'added', task: task(-1, { saving: true }) });
  expect(ids(added)).toEqual([-1, 1]);
  expect(tasksReducer(added, { type: 'confirmed', id: -1, task: task(2) }).tasks).toEqual([task(2), task(1)]);
});

test('a new task that a refetch brought first is not shown twice', () => {
  const state = withTasks(task(-1), task(2), task(1));
  expect(ids(tasksReducer(state, { type: 'confirmed', id: -1, task: task(2) }))).toEqual([2, 1]);
});

test('a refused change goes back to what it was', () => {
  const before = task(1);
  const changed = tasksReducer(withTasks(before), { type: 'changed', id: 1, changes: { title: 'New' } });
  expect(changed.tasks[0]).toMatchObject({ title: 'New', saving: true });
  const restored = tasksReducer(changed, { type: 'restored', task: before, changes: { title: 'New' } });
  expect(restored.tasks).toEqual([{ ...before, saving: false }]);
});

test('a refused change goes back alone: what came meanwhile stays', () => {
  const changes = { title: 'New' };
  const changed = tasksReducer(withTasks(task(1)), { type: 'changed', id: 1, changes });
  const restore: TasksAction = { type: 'restored', task: task(1), changes };
  const acted = tasksReducer(changed, tool({ task_id: 1, status: 'completed', title: 'New' }));
  expect(tasksReducer(acted, restore).tasks[0]).toMatchObject({ title: 'Task 1', completed: true });
  const newer = task(1, { title: 'Newer', updated_at: '2026-11-23T10:00:00Z' });
  const reloaded = tasksReducer(changed, { type: 'loaded', query, append: false, page: { tasks: [newer], nextCursor: null } });
  expect(tasksReducer(reloaded, restore).tasks).toEqual([newer]);
});

test('undo brings back what was hidden; a refetch in between does not', () => {
  const hidden = tasksReducer(withTasks(task(1), task(2)), { type: 'hidden', ids: [1] });
  const reloaded = tasksReducer(hidden, { type: 'loaded', query, append: false, page: { tasks: [task(1), task(2)], nextCursor: null } });
  expect(reloaded.hidden.has(1)).toBe(true);
  expect(tasksReducer(reloaded, { type: 'shown', ids: [1] }).hidden.size).toBe(0);
});

test('the next page is appended, without what is there already', () => {
  const state = tasksReducer(withTasks(task(2)), { type: 'loaded', query, append: true, page: { tasks: [task(2), task(1)], nextCursor: 'c' } });
  expect(ids(state)).toEqual([2, 1]);
  expect(state.nextCursor).toBe('c');
});

test('a reload keeps a task that is still being made', () => {
  const state = tasksReducer(withTasks(task(-1), task(1)), { type: 'loaded', query, append: false, page: { tasks: [task(2)], nextCursor: null } });
  expect(ids(state)).toEqual([-1, 2]);
});

test('a reload keeps the object of every task that is as it was, so that its row is not drawn again', () => {
  const state = withTasks(task(3, { saving: true }), task(2), task(1));
  const page = [task(3), { ...task(2), updated_at: '2026-11-23T10:00:00Z' }, task(1)];
  const reloaded = tasksReducer(state, { type: 'loaded', query, append: false, page: { tasks: page, nextCursor: null } });
  expect(reloaded.tasks).toEqual(page);
  expect(reloaded.tasks.map((one, index) => one === state.tasks[index])).toEqual([false, false, true]);
});

describe('the assistant acts', () => {
  test.each([
    [{ task_id: 3, status: 'created', title: 'Milk' }, [3, 1], { title: 'Milk', completed: false }],
    [{ task_id: 1, status: 'completed', title: 'Task 1' }, [1], { completed: true }],
    [{ task_id: 1, status: 'updated', title: 'Call mom' }, [1], { title: 'Call mom', completed: false }],
  ])('%o', (output, expected, first) => {
    const state = tasksReducer(withTasks(task(1)), tool(output));
    expect(ids(state)).toEqual(expected);
    expect(state.tasks[0]).toMatchObject(first);
    expect(state.touched.has(output.task_id)).toBe(true);
  });

  test('deleted', () => {
    expect(ids(tasksReducer(withTasks(task(1), task(2)), tool({ task_id: 1, status: 'deleted', title: 'x' })))).toEqual([2]);
  });

  test.each([[[task(9)]], [null], ['text'], [{ task_id: '1' }], [{ task_id: 9, status: 'completed', title: 'elsewhere' }]])(
    'the output %o changes nothing',
    (output) => {
      const before = withTasks(task(1));
      expect(tasksReducer(before, tool(output)).tasks).toEqual(before.tasks);
    },
  );
});

test.each<[Partial<TaskQuery>, Partial<ListedTask>, boolean]>([
  [{ status: 'pending' }, { completed: true }, false],
  [{ status: 'completed' }, { completed: true }, true],
  [{ tag: 'home' }, { tags: ['work'] }, false],
  [{ tag: 'home' }, { tags: ['work', 'home'] }, true],
  [{ priority: 'high' }, { priority: 'low' }, false],
  [{ q: ' MILK' }, { title: 'Buy milk' }, true],
  [{ q: 'milk' }, { description: 'Oat milk' }, true],
  [{ q: 'milk' }, { title: 'Buy bread' }, false],
])('whether the filters %o let %o through: %s', (filters, changes, expected) => {
  expect(fits(task(1, changes), { ...query, ...filters })).toBe(expected);
});

test('what the assistant adds does not join a list whose filters hide it', () => {
  const done = initialTasks({ tasks: [], nextCursor: null }, { ...query, status: 'completed' });
  expect(ids(tasksReducer(done, tool({ task_id: 3, status: 'created', title: 'Milk' })))).toEqual([]);
});

test('a list filtered by one tag still knows the others', () => {
  const state = withTasks(task(1, { tags: ['home'] }), task(2, { tags: ['work'] }));
  const home = { ...query, tag: 'home' };
  const filtered = tasksReducer(state, { type: 'loaded', query: home, append: false, page: { tasks: [task(1, { tags: ['home'] })], nextCursor: null } });
  expect([...filtered.tags]).toEqual(['home', 'work']);
});

test.each([
  [[], null, 'Nothing matches.'],
  [[task(1)], null, '1 task.'],
  [[task(1), task(2)], null, '2 tasks.'],
  [[task(1), task(2)], 'c', 'The first 2 tasks.'],
])('what new filters found is said, and not again when the same list is read anew', (tasks, nextCursor, found) => {
  const filtered = { ...query, q: 'x' };
  const loaded: TasksAction = { type: 'loaded', query: filtered, append: false, page: { tasks, nextCursor } };
  const state = tasksReducer(withTasks(task(9)), loaded);
  expect(state.found).toBe(found);
  expect(tasksReducer(state, { ...loaded, page: { tasks: [task(5)], nextCursor: null } }).found).toBe(found);
});
