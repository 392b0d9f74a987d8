import type { Task, TaskDraft, TaskPage, TaskQuery } from './types';

/** A task as the list shows it; `saving` while the server has not confirmed the newest change. */
export type ListedTask = Task & { saving?: boolean };

export type TasksState = {
  tasks: ListedTask[];
  nextCursor: string | null;
  /** What the tasks and the cursor answer to. */
  query: TaskQuery;
  status: 'loading' | 'ready' | 'failed';
  error: string | null;
  /** Deleted on the page, with the server's delete still to come: undo brings them back. */
  hidden: ReadonlySet<number>;
  /** What the assistant has just touched: drawn with a highlight. */
  touched: ReadonlySet<number>;
  /** Every tag seen so far: a list filtered by one tag must still offer the others. */
  tags: ReadonlySet<string>;
  /** How much the newest filters found, read out once. */
  found: string;
};

export type TasksAction =
  | { type: 'loading' }
  | { type: 'loaded'; page: TaskPage; query: TaskQuery; append: boolean }
  | { type: 'failed'; message: string }
  | { type: 'added'; task: ListedTask }
  | { type: 'changed'; id: number; changes: Partial<TaskDraft> }
  | { type: 'confirmed'; id: number; task: Task }
  | { type: 'restored'; task: ListedTask; changes: Partial<TaskDraft> }
  | { type: 'hidden'; ids: number[] }
  | { type: 'shown'; ids: number[] }
  | { type: 'removed'; ids: number[] }
  | { type: 'left'; ids: number[] }
  | { type: 'tool'; output: unknown; userId: string; at: string };

export const initialTasks = (page: TaskPage | null, query: TaskQuery): TasksState => ({
  tasks: page?.tasks ?? [],
  nextCursor: page?.nextCursor ?? null,
  query,
  status: page === null ? 'loading' : 'ready',
  error: null,
  hidden: new Set(),
  touched: new Set(),
  tags: withTags(new Set(), page?.tasks ?? []),
  found: '',
});

const withTags = (tags: ReadonlySet<string>, tasks: Task[]): ReadonlySet<string> => {
  const fresh = tasks.flatMap((task) => task.tags).filter((tag) => !tags.has(tag));
  return fresh.length === 0 ? tags : new Set([...tags, ...fresh]);
};

const describeFound = ({ tasks, nextCursor }: TaskPage): string => {
  if (tasks.length === 0) return 'Nothing matches.';
  const count = tasks.length === 1 ? '1 task' : `${tasks.length} tasks`;
  return nextCursor === null ? `${count}.` : `The first ${count}.`;
};

/** Whether the filters let the task through, as the server would. */
export const fits = (task: Task, { status, q, tag, priority }: TaskQuery): boolean => {
  if (status !== 'all' && task.completed !== (status === 'completed')) return false;
  if (tag !== '' && !task.tags.includes(tag)) return false;
  if (priority !== '' && task.priority !== priority) return false;
  const wanted = q.trim().toLowerCase();
  return wanted === '' || [task.title, task.description ?? ''].some((text) => text.toLowerCase().includes(wanted));
};

const replace = (tasks: ListedTask[], id: number, change: (task: ListedTask) => ListedTask): ListedTask[] =>
  tasks.map((task) => (task.id === id ? change(task) : task));

/** The task as it was before the changes; a version that came meanwhile never had them. */
const withoutChanges = (
  listed: ListedTask,
  { task, changes }: { task: ListedTask; changes: Partial<TaskDraft> },
): ListedTask => {
  if (listed.updated_at !== task.updated_at) return listed;
  const fields = Object.keys(changes) as (keyof TaskDraft)[];
  return { ...listed, ...Object.fromEntries(fields.map((field) => [field, task[field]])), saving: false };
};

/** The listed object where the server says nothing new, so that its row is not drawn again. */
const keep = (tasks: ListedTask[], page: Task[]): Task[] => {
  const listed = new Map(tasks.map((task) => [task.id, task]));
  return page.map((task) => {
    const old = listed.get(task.id);
    return old !== undefined && old.saving !== true && old.updated_at === task.updated_at ? old : task;
  });
};

const without = (set: ReadonlySet<number>, ids: number[]): ReadonlySet<number> =>
  new Set([...set].filter((id) => !ids.includes(id)));

type ToolResult = { task_id: number; status: string; title: string };

const isToolResult = (value: unknown): value is ToolResult => {
  if (typeof value !== 'object' || value === null) return false;
  const { task_id, status, title } = value as Record<string, unknown>;
  return typeof task_id === 'number' && typeof status === 'string' && typeof title === 'string';
};

export const emptyTask = (id: number, userId: string, at: string): Task => ({
  id,
  user_id: userId,
  title: '',
  description: null,
  completed: false,
  priority: 'none',
  due_at: null,
  tags: [],
  recurrence: 'none',
  created_at: at,
  updated_at: at,
});

/** Shows at once what a tool did; the list is read again when the turn is over. */
const applyTool = (state: TasksState, result: ToolResult, userId: string, at: string): TasksState => {
  const { task_id: id, status, title } = result;
  if (status === 'deleted') return { ...state, tasks: state.tasks.filter((task) => task.id !== id) };
  const touched = new Set(state.touched).add(id);
  if (state.tasks.some((task) => task.id === id)) {
    const completed = status === 'completed' ? { completed: true } : {};
    return { ...state, touched, tasks: replace(state.tasks, id, (task) => ({ ...task, title, ...completed })) };
  }
  const made = { ...emptyTask(id, userId, at), title };
  if (status !== 'created' || !fits(made, state.query)) return state; // filtered out of this view
  return { ...state, touched, tasks: [made, ...state.tasks] };
};

export const tasksReducer = (state: TasksState, action: TasksAction): TasksState => {
  switch (action.type) {
    case 'loading':
      return { ...state, status: state.tasks.length === 0 ? 'loading' : state.status, error: null };
    case 'loaded': {
      const known = new Set(action.append ? state.tasks.map((task) => task.id) : []);
      const unsaved = action.append ? [] : state.tasks.filter((task) => task.id < 0);
      const fresh = action.page.tasks.filter((task) => !known.has(task.id));
      return {
        ...state,
        status: 'ready',
        error: null,
        nextCursor: action.page.nextCursor,
        query: action.query,
        tags: withTags(state.tags, action.page.tasks),
        found: action.query === state.query ? state.found : describeFound(action.page),
        tasks: action.append ? [...state.tasks, ...fresh] : [...unsaved, ...keep(state.tasks, fresh)],
      };
    }
    case 'failed':
      return { ...state, status: 'failed', error: action.message };
    case 'added':
      return { ...state, tasks: [action.task, ...state.tasks] };
    case 'changed':
      return {
        ...state,
        tasks: replace(state.tasks, action.id, (task) => ({ ...task, ...action.changes, saving: true })),
      };
    case 'confirmed': {
      // A refetch may have brought the new task already, under its real id.
      const others = state.tasks.filter((task) => task.id !== action.task.id || task.id === action.id);
      return {
        ...state,
        tags: withTags(state.tags, [action.task]),
        tasks: replace(others, action.id, () => action.task),
      };
    }
    case 'restored':
      return {
        ...state,
        tasks: replace(state.tasks, action.task.id, (listed) => withoutChanges(listed, action)),
      };
    case 'hidden':
      return { ...state, hidden: new Set([...state.hidden, ...action.ids]) };
    case 'shown':
      return { ...state, hidden: without(state.hidden, action.ids) };
    case 'removed':
      return {
        ...state,
        hidden: without(state.hidden, action.ids),
        tasks: state.tasks.filter((task) => !action.ids.includes(task.id)),
      };
    case 'left':
      return { ...state, tasks: state.tasks.filter((task) => !action.ids.includes(task.id)) };
    case 'tool':
      return isToolResult(action.output) ? applyTool(state, action.output, action.userId, action.at) : state;
  }
};
