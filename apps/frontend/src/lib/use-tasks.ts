'use client';

import { startTransition, useCallback, useEffect, useReducer, useRef } from 'react';
import { ApiError, createTask, deleteTask, listTasks, pageSize, toggleTask, updateTask } from './api';
import { onTabMessage, tellTabs } from './tabs';
import { emptyTask, initialTasks, tasksReducer, type ListedTask, type TasksState } from './tasks-reducer';
import type { Task, TaskDraft, TaskPage, TaskQuery } from './types';
import type { Toast } from './use-toasts';

type Options = {
  userId: string;
  query: TaskQuery;
  firstPage: TaskPage | null;
  showToast: (toast: Omit<Toast, 'id'>) => void;
  onSignedOut: () => void;
};

export type Tasks = {
  state: TasksState;
  reload: () => void;
  loadMore: () => void;
  /** False when the task was not made; the page then gives the text back. */
  add: (draft: TaskDraft) => Promise<boolean>;
  toggle: (task: ListedTask) => Promise<void>;
  save: (task: ListedTask, changes: Partial<TaskDraft>) => Promise<boolean>;
  remove: (tasks: ListedTask[]) => void;
  complete: (tasks: ListedTask[]) => Promise<void>;
  applyTool: (output: unknown) => void;
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'Something went wrong.');

/** The task list: shown at once, confirmed by the server, rolled back in sight where it refuses. */
export const useTasks = ({ userId, query, firstPage, showToast, onSignedOut }: Options): Tasks => {
  const [state, dispatch] = useReducer(tasksReducer, null, () => initialTasks(firstPage, query));
  const request = useRef<AbortController | null>(null);
  const pendingDeletes = useRef(new Set<number>());
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
    // A page that is left has no later moment to delete what waits for its undo.
    const onLeave = (): void => {
      for (const id of pendingDeletes.current) void deleteTask(userId, id, { keepalive: true }).catch(() => undefined);
      pendingDeletes.current.clear();
    };
    document.addEventListener('visibilitychange', onVisible);
    window.addEventListener('pagehide', onLeave);
    const leaveTabs = onTabMessage((message) => {
      if (message === 'tasks-changed') reload();
    });
    return () => {
      document.removeEventListener('visibilitychange', onVisible);
      window.removeEventListener('pagehide', onLeave);
      leaveTabs();
    };
  }, [reload, userId]);

  const add = useCallback(
    async (draft: TaskDraft): Promise<boolean> => {
      const id = nextTemporaryId.current;
      nextTemporaryId.current -= 1;
      const task: ListedTask = { ...emptyTask(id, userId, new Date().toISOString()), ...draft, saving: true };
      dispatch({ type: 'added', task });
      try {
        dispatch({ type: 'confirmed', id, task: await createTask(userId, draft) });
        changed();
        return true;
      } catch (error) {
        dispatch({ type: 'restored', id, task: null });
        report(error, `“${draft.title}” was not added.`);
        return false;
      }
    },
    [userId, report, changed],
  );

  const toggle = useCallback(
    async (task: ListedTask): Promise<void> => {
      dispatch({ type: 'changed', id: task.id, changes: { completed: !task.completed } });
      try {
        dispatch({ type: 'confirmed', id: task.id, task: await toggleTask(userId, task.id) });
        changed();
        // Completing a recurring task makes its successor.
        if (task.recurrence !== 'none' && !task.completed) reload();
      } catch (error) {
        dispatch({ type: 'restored', id: task.id, task });
        report(error, `“${task.title}” is unchanged.`);
      }
    },
    [userId, report, reload, changed],
  );

  const save = useCallback(
    async (task: ListedTask, changes: Partial<TaskDraft>): Promise<boolean> => {
      dispatch({ type: 'changed', id: task.id, changes });
      try {
        dispatch({ type: 'confirmed', id: task.id, task: await updateTask(userId, task, changes) });
        changed();
        return true;
      } catch (error) {
        dispatch({ type: 'restored', id: task.id, task });
        report(error, `“${task.title}” was not saved.`);
        if (error instanceof ApiError && (error.status === 412 || error.status === 404)) reload();
        return false;
      }
    },
    [userId, report, reload, changed],
  );

  const deleteNow = useCallback(
    async (tasks: ListedTask[]): Promise<void> => {
      for (const task of tasks) {
        if (!pendingDeletes.current.delete(task.id)) continue;
        try {
          await deleteTask(userId, task.id);
          dispatch({ type: 'removed', ids: [task.id] });
        } catch (error) {
          if (error instanceof ApiError && error.status === 404) {
            dispatch({ type: 'removed', ids: [task.id] }); // gone already, as wanted
            continue;
          }
          dispatch({ type: 'shown', ids: [task.id] });
          report(error, `“${task.title}” was not deleted.`);
        }
      }
      changed();
    },
    [userId, report, changed],
  );

  const remove = useCallback(
    (tasks: ListedTask[]): void => {
      const ids = tasks.map((task) => task.id);
      for (const id of ids) pendingDeletes.current.add(id);
      dispatch({ type: 'hidden', ids });
      const [only] = tasks;
      latest.current.showToast({
        tone: 'info',
        text: tasks.length === 1 && only !== undefined ? `Deleted “${only.title}”.` : `Deleted ${tasks.length} tasks.`,
        action: {
          label: 'Undo',
          run: () => {
            for (const id of ids) pendingDeletes.current.delete(id);
            dispatch({ type: 'shown', ids });
          },
        },
        onExpire: () => void deleteNow(tasks),
      });
    },
    [deleteNow],
  );

  const complete = useCallback(
    async (tasks: ListedTask[]): Promise<void> => {
      for (const task of tasks) if (!task.completed) await toggle(task);
    },
    [toggle],
  );

  const applyTool = useCallback(
    (output: unknown): void => {
      dispatch({ type: 'tool', output, userId, at: new Date().toISOString() });
    },
    [userId],
  );

  return { state, reload, loadMore, add, toggle, save, remove, complete, applyTool };
};
