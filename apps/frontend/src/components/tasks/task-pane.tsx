'use client';

import { memo, useCallback, useDeferredValue, useEffect, useMemo, useRef, useState, type ComponentProps } from 'react';
import type { ListedTask } from '@/lib/tasks-reducer';
import type { TaskQuery } from '@/lib/types';
import { useNow } from '@/lib/use-now';
import type { Tasks } from '@/lib/use-tasks';
import { Filters } from './filters';
import { QuickAdd } from './quick-add';
import { TaskRow } from './task-row';

type Props = {
  userId: string;
  tasks: Tasks;
  query: TaskQuery;
  onQuery: (changes: Partial<TaskQuery>) => void;
};

type ListProps = { tasks: ListedTask[]; touched: ReadonlySet<number>; selected: ReadonlySet<number> } & Omit<
  ComponentProps<typeof TaskRow>,
  'task' | 'touched' | 'selected'
>;

/** Apart from the pane: a key in the search field must not ask thousands of rows whether they changed. */
const TaskList = memo(function TaskList({ tasks, touched, selected, ...row }: ListProps) {
  return (
    <ul className="task-list" aria-label="Tasks">
      {tasks.map((task) => (
        <TaskRow key={task.id} task={task} touched={touched.has(task.id)} selected={selected.has(task.id)} {...row} />
      ))}
    </ul>
  );
});

const isFiltered = (query: TaskQuery): boolean => query.q.trim() !== '' || query.tag !== '' || query.priority !== '';

const Empty = ({ query, onQuery }: Pick<Props, 'query' | 'onQuery'>) => {
  if (isFiltered(query)) {
    return (
      <div className="empty">
        <p className="empty-title">Nothing matches these filters.</p>
        <button
          type="button"
          className="button"
          onClick={() => onQuery({ q: '', tag: '', priority: '', status: 'all' })}
        >
          Show all tasks
        </button>
      </div>
    );
  }
  if (query.status === 'completed') {
    return (
      <div className="empty">
        <p className="empty-title">Nothing done yet.</p>
        <p>Tasks you tick off are kept here.</p>
      </div>
    );
  }
  return (
    <div className="empty">
      <p className="empty-title">Nothing to do.</p>
      <p>
        Type a task above, or tell the assistant: <q>Add a task to buy groceries</q>.
      </p>
    </div>
  );
};

export const TaskPane = ({ userId, tasks, query, onQuery }: Props) => {
  const { state, loadMore, save, toggle, remove } = tasks;
  const now = useDeferredValue(useNow());
  const [selecting, setSelecting] = useState(false);
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const sentinel = useRef<HTMLDivElement>(null);
  const headingRef = useRef<HTMLHeadingElement>(null);

  const visible = useMemo(
    () => state.tasks.filter((task) => !state.hidden.has(task.id)),
    [state.tasks, state.hidden],
  );
  const tags = useMemo(() => [...new Set(state.tasks.flatMap((task) => task.tags))], [state.tasks]);
  const chosen = visible.filter((task) => selected.has(task.id));

  // Reads on as the end of the list comes near; the button below does the same by hand.
  useEffect(() => {
    const target = sentinel.current;
    if (target === null || state.nextCursor === null) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) loadMore();
      },
      { rootMargin: '600px' },
    );
    observer.observe(target);
    return () => observer.disconnect();
  }, [state.tasks, state.nextCursor, loadMore]);

  const onToggle = useCallback((task: ListedTask) => void toggle(task), [toggle]);
  const onSave = useCallback((task: ListedTask, changes: Parameters<typeof save>[1]) => void save(task, changes), [save]);
  const onDelete = useCallback(
    (task: ListedTask) => {
      remove([task]);
      // The button that had the focus is gone.
      headingRef.current?.focus();
    },
    [remove],
  );
  const onSelect = useCallback((id: number, isSelected: boolean) => {
    setSelected((ids) => new Set(isSelected ? [...ids, id] : [...ids].filter((other) => other !== id)));
  }, []);
  const onTag = useCallback((tag: string) => onQuery({ tag }), [onQuery]);
  const changeSelecting = (next: boolean): void => {
    setSelecting(next);
    setSelected(new Set());
  };

  return (
    <section className="pane task-pane" aria-labelledby="tasks-heading" id="tasks">
      <div className="pane-head">
        <h2 id="tasks-heading" tabIndex={-1} ref={headingRef}>
          Tasks
        </h2>
      </div>
      <QuickAdd userId={userId} onAdd={tasks.add} />
      <Filters query={query} tags={tags} onChange={onQuery} selecting={selecting} onSelecting={changeSelecting} />
      {selecting && (
        <div className="bulk-bar" role="toolbar" aria-label="Selected tasks">
          <label className="bulk-all">
            <input
              type="checkbox"
              checked={visible.length > 0 && chosen.length === visible.length}
              onChange={(event) => setSelected(new Set(event.target.checked ? visible.map((task) => task.id) : []))}
            />
            {chosen.length === 0 ? 'Select all' : `${chosen.length} selected`}
          </label>
          <button
            type="button"
            className="button"
            disabled={chosen.every((task) => task.completed)}
            onClick={() => {
              void tasks.complete(chosen);
              changeSelecting(false);
            }}
          >
            Complete
          </button>
          <button
            type="button"
            className="button button-danger"
            disabled={chosen.length === 0}
            onClick={() => {
              remove(chosen);
              changeSelecting(false);
              headingRef.current?.focus();
            }}
          >
            Delete
          </button>
        </div>
      )}
      {state.status === 'failed' && (
        <div className="notice notice-error" role="alert">
          <span>The list could not be read. {state.error}</span>
          <button type="button" className="button" onClick={tasks.reload}>
            Try again
          </button>
        </div>
      )}
      {state.status === 'loading' && (
        <p className="loading" role="status">
          Reading your tasks…
        </p>
      )}
      {visible.length > 0 && (
        <TaskList
          tasks={visible}
          now={now}
          touched={state.touched}
          selecting={selecting}
          selected={selected}
          onToggle={onToggle}
          onSave={onSave}
          onDelete={onDelete}
          onSelect={onSelect}
          onTag={onTag}
        />
      )}
      {state.status === 'ready' && visible.length === 0 && <Empty query={query} onQuery={onQuery} />}
      {state.nextCursor !== null && (
        <div className="more" ref={sentinel}>
          <button type="button" className="button" onClick={loadMore}>
            Show more
          </button>
        </div>
      )}
    </section>
  );
};
