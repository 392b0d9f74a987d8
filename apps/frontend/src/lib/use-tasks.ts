'use client';

import { startTransition, useCallback, useEffect, useReducer, useRef, useState } from 'react';
import { ApiError, createTask, deleteTask, listTasks, messageOf, pageSize, setCompleted, updateTask } from './api';
import { inParallel } from './in-parallel';
import { onTabMessage, tellTabs } from './tabs';
import { emptyTask, fits, initialTasks, tasksReducer, type ListedTask, type TasksState } from './tasks-reducer';
import type { Task, TaskDraft, TaskPage, TaskQuery } from './types';
import { useHeldDeletes } from './use-held-deletes';
import type { Toast } from './use-toasts';

type Options = {
  userId: string;
  query: TaskQuery;
  firstPage: TaskPage | null;
  /** Answers what takes the toast away again. */
  showToast: (toast: Omit<Toast, 'id'>) => () => void;
  onSignedOut: () => void;
};

/** Why an edit was not saved. */
export type Refusal = { text: string; changedElsewhere: boolean };

export type Tasks = {
  state: TasksState;
  /** How far many tasks at once are; null while nothing of the kind runs. */
  progress: { done: number; total: number } | null;
  reload: () => void;
  loadMore: () => void;
  /** Where the task is not made, `giveBack` says whether the page has given the text back. */
  add: (draft: TaskDraft, giveBack: () => boolean) => Promise<void>;
  toggle: (task: ListedTask) => Promise<void>;
  /** Answers why it was not saved; null when it was. */
  save: (task: ListedTask, changes: Partial<TaskDraft>) => Promise<Refusal | null>;
  remove: (tasks: ListedTask[], focus: Pick<Toast, 'takesFocus' | 'near'>) => void;
  complete: (tasks: ListedTask[]) => Promise<void>;
  /** Deletes at once what waits for its undo, which goes; throws where that fails. */
  finishDeletes: () => Promise<void>;
  /** Takes tasks off the list that its filters no longer let through. */
  leave: (ids: number[]) => void;
  applyTool: (output: unknown) => void;
};

const tasksOf = (count: number): string => (count === 1 ? '1 task' : `${count} tasks`);

/** The task list: shown at once, confirmed by the server, rolled back in sight where it refuses. */
export const useTasks = ({ userId, query, firstPage, showToast, onSignedOut }: Options): Tasks => {
  const [state, dispatch] = useReducer(tasksReducer, null, () => initialTasks(firstPage, query));
  const request = useRef<AbortController | null>(null);
  const [progress, setProgress] = useState<Tasks['progress']>(null);
  const nextTemporaryId = useRef(-1);
  const latest = useRef({ state, query, showToast, onSignedOut });
  useEffect(() => {
    latest.current = { state, query, showToast, onSignedOut };
  });

  const report = useCallback((error: unknown, text: string, again?: () => void): void => {
    if (error instanceof ApiError && error.status === 401) {
      latest.current.onSignedOut();
      return;
    }
    latest.current.showToast({
      tone: 'error',
      text: `${text} ${messageOf(error)}`,
      ...(again === undefined ? {} : { action: { label: 'Try again', run: again } }),
    });
  }, []);

  const load = useCallback(
    async ({ append }: { append: boolean }): Promise<void> => {
      request.current?.abort();
      const controller = new AbortController();
      const { signal } = controller;
      request.current = controller;
      dispatch({ type: 'loading' });
      const { query: asked, state: shown } = latest.current;
      // The same list is read again as far as it is shown, so that nobody loses the place.
      const wanted = append || asked !== shown.query ? pageSize : shown.tasks.length;
      try {
        const tasks: Task[] = [];
        let cursor = append ? shown.nextCursor : null;
        do {
          const page = await listTasks(userId, asked, { cursor, wanted: wanted - tasks.length, signal });
          tasks.push(...page.tasks);
          cursor = page.nextCursor;
        } while (cursor !== null && tasks.length < wanted);
        if (signal.aborted) return;
        request.current = null;
        // Drawing thousands of rows must not hold up what is typed meanwhile.
        startTransition(() => {
          dispatch({ type: 'loaded', page: { tasks, nextCursor: cursor }, query: asked, append });
        });
      } catch (error) {
        if (signal.aborted) return;
        request.current = null;
        if (error instanceof ApiError && error.status === 401) latest.current.onSignedOut();
        dispatch({ type: 'failed', message: messageOf(error) });
      }
    },
    [userId],
  );

  const reload = useCallback((): void => void load({ append: false }), [load]);
  const loadMore = useCallback((): void => {
    const { state: shown, query: wanted } = latest.current;
    // The end of a list that is about to be replaced leads nowhere.
    if (request.current !== null || wanted !== shown.query || shown.nextCursor === null) return;
    void load({ append: true });
  }, [load]);

  /** After a change of ours: what is being read may not hold it. */
  const changed = useCallback((): void => {
    tellTabs('tasks-changed');
    if (request.current !== null) reload();
  }, [reload]);

  // The server rendered the first page for the first query; every later query is read here.
  const isRendered = useRef(firstPage !== null);
  useEffect(() => {
    if (isRendered.current) {
      isRendered.current = false;
      return;
    }
    // Typing in the search field changes the query with every key.
    const timer = setTimeout(reload, 150);
    return () => clearTimeout(timer);
  }, [query, reload]);

  useEffect(() => {
    const onVisible = (): void => {
      if (document.visibilityState === 'visible') reload();
    };
    document.addEventListener('visibilitychange', onVisible);
    const leaveTabs = onTabMessage((message) => {
      if (message === 'tasks-changed') reload();
    });
    return () => {
      document.removeEventListener('visibilitychange', onVisible);
      leaveTabs();
    };
  }, [reload]);

  const add = useCallback(
    async function add(draft: TaskDraft, giveBack: () => boolean): Promise<void> {
      const id = nextTemporaryId.current;
      nextTemporaryId.current -= 1;
      const task: ListedTask = { ...emptyTask(id, userId, new Date().toISOString()), ...draft, saving: true };
      const isShown = fits(task, latest.current.query);
      if (isShown) dispatch({ type: 'added', task });
      try {
        const made = await createTask(userId, draft);
        if (isShown) dispatch({ type: 'confirmed', id, task: made });
        else if (fits(made, latest.current.query)) reload(); // the filters were changed meanwhile
        else latest.current.showToast({ tone: 'info', text: `Added “${made.title}”. The filters hide it.` });
        changed();
      } catch (error) {
        dispatch({ type: 'removed', ids: [id] });
        report(error, `“${draft.title}” was not added.`, giveBack() ? undefined : () => void add(draft, giveBack));
      }
    },
    [userId, report, reload, changed],
  );

  /** Shows the task completed or reopened, and as it was where the server refuses; false where it is gone. */
  const setDone = useCallback(
    async (task: ListedTask, completed: boolean): Promise<boolean> => {
      const changes = { completed };
      dispatch({ type: 'changed', id: task.id, changes });
      try {
        dispatch({ type: 'confirmed', id: task.id, task: await setCompleted(userId, task.id, completed) });
        return true;
      } catch (error) {
        const isGone = error instanceof ApiError && error.status === 404;
        dispatch(isGone ? { type: 'removed', ids: [task.id] } : { type: 'restored', task, changes });
        if (!isGone) throw error;
        return false;
      }
    },
    [userId],
  );

  const toggle = useCallback(
    async function toggle(task: ListedTask): Promise<void> {
      try {
        const isThere = await setDone(task, !task.completed);
        changed();
        if (!isThere) latest.current.showToast({ tone: 'error', text: `“${task.title}” was deleted elsewhere.` });
        // Completing a recurring task makes its successor, reopening takes it back.
        if (task.recurrence !== 'none') reload();
      } catch (error) {
        report(error, `“${task.title}” is unchanged.`, () => void toggle(task));
      }
    },
    [setDone, report, reload, changed],
  );

  const complete = useCallback(
    async function complete(tasks: ListedTask[]): Promise<void> {
      const open = tasks.filter((task) => !task.completed);
      let done = 0;
      let gone = 0;
      setProgress({ done, total: open.length });
      const { failed, error } = await inParallel(open, {
        act: async (task) => {
          if (await setDone(task, true)) done += 1;
          else gone += 1;
          setProgress({ done: done + gone, total: open.length });
        },
      });
      setProgress(null);
      changed();
      if (open.some((task) => task.recurrence !== 'none')) reload();
      const text = `Completed ${tasksOf(done)}.${gone === 0 ? '' : ` Deleted elsewhere: ${gone}.`}`;
      if (failed.length === 0) latest.current.showToast({ tone: 'info', text });
      else report(error, `${failed.length} of ${tasksOf(open.length)} not completed.`, () => void complete(failed));
    },
    [setDone, report, reload, changed],
  );

  const save = useCallback(
    async (task: ListedTask, changes: Partial<TaskDraft>): Promise<Refusal | null> => {
      dispatch({ type: 'changed', id: task.id, changes });
      try {
        dispatch({ type: 'confirmed', id: task.id, task: await updateTask(userId, task, changes) });
        changed();
        return null;
      } catch (error) {
        dispatch({ type: 'restored', task, changes });
        const status = error instanceof ApiError ? error.status : null;
        if (status === 401) latest.current.onSignedOut();
        if (status === 412 || status === 404) reload();
        return { text: `“${task.title}” was not saved. ${messageOf(error)}`, changedElsewhere: status === 412 };
      }
    },
    [userId, reload, changed],
  );

  const { hold, finish: finishDeletes } = useHeldDeletes<ListedTask>({
    deleteOne: (id, init) => deleteTask(userId, id, init),
    hide: (ids) => dispatch({ type: 'hidden', ids }),
    unhide: (ids) => dispatch({ type: 'shown', ids }),
    onDeleted: (id) => dispatch({ type: 'removed', ids: [id] }),
    onFailed: ({ failed, asked, error, again }) => {
      const what = asked === 1 ? `“${failed[0].title}” was` : `${failed.length} of ${tasksOf(asked)} were`;
      report(error, `${what} not deleted.`, again);
    },
    onSettled: changed,
    showToast,
  });
  const remove = useCallback(
    (tasks: ListedTask[], focus: Pick<Toast, 'takesFocus' | 'near'>): void => {
      const [only] = tasks;
      const what = tasks.length === 1 && only !== undefined ? `“${only.title}”` : tasksOf(tasks.length);
      hold(tasks, { ...focus, text: `Deleted ${what}.` });
    },
    [hold],
  );

  const leave = useCallback((ids: number[]): void => dispatch({ type: 'left', ids }), []);

  const applyTool = useCallback(
    (output: unknown): void => {
      dispatch({ type: 'tool', output, userId, at: new Date().toISOString() });
    },
    [userId],
  );

  return { state, progress, reload, loadMore, add, toggle, save, remove, complete, finishDeletes, leave, applyTool };
};
