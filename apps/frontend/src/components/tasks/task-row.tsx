'use client';

import { memo, useEffect, useRef, useState } from 'react';
import { formatDue, isOverdue } from '@/lib/dates';
import type { ListedTask } from '@/lib/tasks-reducer';
import type { TaskDraft } from '@/lib/types';
import type { Refusal } from '@/lib/use-tasks';
import { Icon } from '../icons';
import { TaskEditor } from './task-editor';

type Props = {
  task: ListedTask;
  now: Date | null;
  touched: boolean;
  selecting: boolean;
  selected: boolean;
  onToggle: (task: ListedTask) => void;
  /** Something typed into its editor before the page was loaded is not saved yet. */
  unsaved: boolean;
  onSave: (task: ListedTask, changes: Partial<TaskDraft>) => Promise<Refusal | null>;
  onDelete: (task: ListedTask, byKeyboard: boolean) => void;
  onSelect: (id: number, selected: boolean) => void;
  onTag: (tag: string) => void;
};

const TaskMeta = ({ task, now, onTag }: Pick<Props, 'task' | 'now' | 'onTag'>) => {
  const overdue = now !== null && task.due_at !== null && !task.completed && isOverdue(task.due_at, now);
  return (
    <div className="task-meta">
      {task.id > 0 && <span className="task-number narrow-only">Task {task.id}</span>}
      {task.due_at !== null && now !== null && (
        <span className={overdue ? 'chip chip-overdue' : 'chip'}>
          <Icon name={overdue ? 'warning' : 'calendar'} />
          {overdue && <span className="chip-strong">Overdue</span>}
          <time dateTime={task.due_at}>{formatDue(task.due_at, now)}</time>
        </span>
      )}
      {task.priority !== 'none' && (
        <span className={`chip priority-${task.priority}`}>
          <Icon name="flag" />
          {task.priority}
          <span className="visually-hidden"> priority</span>
        </span>
      )}
      {task.recurrence !== 'none' && (
        <span className="chip">
          <Icon name="repeat" />
          {task.recurrence}
        </span>
      )}
      {task.tags.map((tag) => (
        <button key={tag} type="button" className="chip chip-tag" onClick={() => onTag(tag)}>
          <span className="visually-hidden">Show tag </span>
          <span dir="auto">{tag}</span>
        </button>
      ))}
    </div>
  );
};

export const TaskRow = memo(function TaskRow({
  task,
  now,
  touched,
  selecting,
  selected,
  unsaved,
  onToggle,
  onSave,
  onDelete,
  onSelect,
  onTag,
}: Props) {
  const [chosen, setEditing] = useState<boolean | null>(null);
  const editing = chosen ?? unsaved;
  const titleRef = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);
  // Only the server gives a task its number; until then it cannot be changed.
  const isNew = task.id < 0;
  const rowId = `task-${task.id}`;

  useEffect(() => {
    // Not where the reader has gone on meanwhile.
    if (wasEditing.current && !editing && document.activeElement === document.body) titleRef.current?.focus();
    wasEditing.current = editing;
  }, [editing]);

  if (editing) {
    return (
      <li id={rowId} className="task task-editing">
        <TaskEditor
          task={task}
          takesFocus={chosen === true}
          onCancel={() => setEditing(false)}
          onSave={async (changes) => {
            const refused = await onSave(task, changes);
            if (refused === null) setEditing(false);
            return refused;
          }}
        />
      </li>
    );
  }

  return (
    <li
      id={rowId}
      className="task"
      data-completed={task.completed || undefined}
      data-touched={touched || undefined}
      data-saving={task.saving === true || undefined}
      data-selected={selected || undefined}
    >
      {selecting ? (
        <input
          type="checkbox"
          className="task-select"
          aria-label={`Select ${task.title}`}
          checked={selected}
          disabled={isNew}
          onChange={(event) => onSelect(task.id, event.target.checked)}
        />
      ) : (
        <input
          type="checkbox"
          className="task-check"
          aria-label={`Complete ${task.title}`}
          checked={task.completed}
          disabled={isNew}
          // Not disabled: that would take the focus from whoever just ticked it.
          aria-disabled={task.saving === true}
          onChange={() => {
            if (task.saving !== true) onToggle(task);
          }}
        />
      )}
      <div className="task-body">
        <button
          ref={titleRef}
          type="button"
          className="task-title"
          dir="auto"
          disabled={isNew}
          title="Edit"
          onClick={() => setEditing(true)}
        >
          {task.title}
        </button>
        {task.description !== null && task.description !== '' && (
          <p className="task-description" dir="auto">
            {task.description}
          </p>
        )}
        <TaskMeta task={task} now={now} onTag={onTag} />
      </div>
      <div className="task-actions">
        <button
          type="button"
          className="icon-button"
          aria-label={`Edit ${task.title}`}
          disabled={isNew}
          onClick={() => setEditing(true)}
        >
          <Icon name="pencil" />
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label={`Delete ${task.title}`}
          disabled={isNew}
          // A click without a pointer has no count.
          onClick={(event) => onDelete(task, event.detail === 0)}
        >
          <Icon name="trash" />
        </button>
      </div>
      {!isNew && (
        <span className="task-number wide-only" title={`In the chat: “mark task ${task.id} as complete”`}>
          <span className="visually-hidden">Task </span>
          {task.id}
        </span>
      )}
    </li>
  );
});
