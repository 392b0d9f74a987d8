'use client';

import { memo, useCallback, useDeferredValue, useEffect, useMemo, useRef, useState, type ComponentProps } from 'react';
import { readEditDraft } from '@/lib/edit-draft';
import { focusFirst } from '@/lib/focus';
import { fits, type ListedTask } from '@/lib/tasks-reducer';
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

type ListProps = {
  tasks: ListedTask[];
  touched: ReadonlySet<number>;
  selected: ReadonlySet<number>;
  /** The task whose editor was left with something typed into it. */
  unsaved: number | null;
} & Omit<ComponentProps<typeof TaskRow>, 'task' | 'touched' | 'selected' | 'unsaved'>;

/** How long a task stays that its filters no longer let through: it may have been ticked by mistake. */
const stayMs = 4000;

const isAtHand = (task: ListedTask): boolean => {
  const row = document.getElementById(`task-${task.id}`);
  return row !== null && (row.matches('.task-editing, :hover') || row.contains(document.activeElement));
};

/** Where the focus may go when this task's row does: the row itself where it comes back, or one beside it. */
const placesNear = (task: ListedTask): string[] => {
  const row = document.getElementById(`task-${task.id}`);
  return [row, row?.nextElementSibling, row?.previousElementSibling].flatMap((near) =>
    near == null ? [] : [`#${near.id} .task-title`],
  );
};

/** Apart from the pane: a key in the search field must not ask thousands of rows whether they changed. */
const TaskList = memo(function TaskList({ tasks, touched, selected, unsaved, ...row }: ListProps) {
  return (
    <ul className="task-list" aria-label="Tasks" tabIndex={-1}>
      {tasks.map((task) => (
        <TaskRow
          key={task.id}
          task={task}
          touched={touched.has(task.id)}
          selected={selected.has(task.id)}
          unsaved={unsaved === task.id}
          {...row}
        />
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
          onClick={() => {
            onQuery({ q: '', tag: '', priority: '', status: 'all' });
            // This button is about to go.
            focusFirst('.segment [value="all"]');
          }}
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
  const { state, progress, loadMore, save, toggle, remove, leave } = tasks;
  const now = useDeferredValue(useNow());
  const [selecting, setSelecting] = useState(false);
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const [unsaved, setUnsaved] = useState<number | null>(null);
  const sentinel = useRef<HTMLDivElement>(null);

  const visible = useMemo(
    () => state.tasks.filter((task) => !state.hidden.has(task.id)),
    [state.tasks, state.hidden],
  );
  const misfits = useMemo(
    () => visible.filter((task) => task.id > 0 && task.saving !== true && !fits(task, state.query)),
    [visible, state.query],
  );
  const chosen = visible.filter((task) => selected.has(task.id));
  // Only the server gives a task its number; until then it cannot be changed.
  const choosable = visible.filter((task) => task.id > 0);

  useEffect(() => {
    // After hydration: the server does not know the draft.
    // eslint-disable-next-line react-hooks/set-state-in-effect
    setUnsaved(readEditDraft(userId)?.id ?? null);
  }, [userId]);

  // What no longer belongs here leaves once the reader has turned to something else.
  useEffect(() => {
    if (misfits.length === 0) return;
    const timer = setInterval(() => {
      const gone = misfits.filter((task) => !isAtHand(task)).map(({ id }) => id);
      if (gone.length > 0) leave(gone);
    }, stayMs);
    return () => clearInterval(timer);
  }, [misfits, leave]);

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
  const onDelete = useCallback(
    (task: ListedTask, byKeyboard: boolean) => {
      const near = placesNear(task);
      remove([task], { takesFocus: byKeyboard, near });
      if (!byKeyboard) focusFirst(...near.slice(1), '#tasks-heading');
    },
    [remove],
  );
  const onSelect = useCallback((id: number, isSelected: boolean) => {
    setSelected((ids) => new Set(isSelected ? [...ids, id] : [...ids].filter((other) => other !== id)));
  }, []);
  const onTag = useCallback((tag: string) => onQuery({ tag }), [onQuery]);
  const endSelecting = (): void => {
    // The bar goes, and the button that was pressed with it.
    if (document.activeElement?.closest('.bulk-bar') != null) focusFirst('#select-tasks');
    changeSelecting(false);
  };
  const changeSelecting = (next: boolean): void => {
    setSelecting(next);
    setSelected(new Set());
  };

  return (
    <section className="pane task-pane" aria-labelledby="tasks-heading" id="tasks">
      <div className="pane-head">
        <h2 id="tasks-heading" tabIndex={-1}>
          Tasks
        </h2>
      </div>
      <QuickAdd userId={userId} onAdd={tasks.add} />
      <Filters query={query} tags={state.tags} onChange={onQuery} selecting={selecting} onSelecting={changeSelecting} />
      {selecting && (
        <div className="bulk-bar" role="toolbar" aria-label="Selected tasks">
          <label className="bulk-all">
            <input
              type="checkbox"
              checked={choosable.length > 0 && chosen.length === choosable.length}
              onChange={(event) => setSelected(new Set(event.target.checked ? choosable.map((task) => task.id) : []))}
            />
            {chosen.length === 0 ? 'Select all' : `${chosen.length} selected`}
          </label>
          {progress !== null && (
            <progress aria-label="Completing" max={progress.total} value={progress.done}>
              {progress.done} of {progress.total}
            </progress>
          )}
          <button
            type="button"
            className="button"
            disabled={progress === null && chosen.every((task) => task.completed)}
            aria-disabled={progress !== null}
            onClick={() => {
              if (progress === null) void tasks.complete(chosen).then(endSelecting);
            }}
          >
            Complete
          </button>
          <button
            type="button"
            className="button button-danger"
            disabled={chosen.length === 0}
            aria-disabled={progress !== null}
            onClick={(event) => {
              if (progress !== null) return;
              remove(chosen, { takesFocus: event.detail === 0, near: ['#select-tasks'] });
              endSelecting();
            }}
          >
            Delete
          </button>
        </div>
      )}
      {state.status === 'failed' && (
        <div className="notice notice-error" role="alert">
          <span>The list could not be read. {state.error}</span>
          <button
            type="button"
            className="button"
            onClick={() => {
              tasks.reload();
              focusFirst('#tasks-heading');
            }}
          >
            Try again
          </button>
        </div>
      )}
      {state.status === 'loading' && (
        <p className="loading" role="status">
          Reading your tasks…
        </p>
      )}
      <p className="visually-hidden" role="status" data-testid="found">
        {state.found}
      </p>
      {visible.length > 0 && (
        <TaskList
          tasks={visible}
          now={now}
          touched={state.touched}
          selecting={selecting}
          selected={selected}
          unsaved={unsaved}
          onToggle={onToggle}
          onSave={save}
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
