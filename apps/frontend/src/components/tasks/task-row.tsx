'use client';

import { memo, useEffect, useRef, useState } from 'react';
import { formatDue, isOverdue } from '@/lib/dates';
import type { ListedTask } from '@/lib/tasks-reducer';
import type { TaskDraft } from '@/lib/types';
import { Icon } from '../icons';
import { TaskEditor } from './task-editor';

type Props = {
  task: ListedTask;
  now: Date | null;
  touched: boolean;
  selecting: boolean;
  selected: boolean;
  onToggle: (task: ListedTask) => void;
  onSave: (task: ListedTask, changes: Partial<TaskDraft>) => void;
  onDelete: (task: ListedTask) => void;
  onSelect: (id: number, selected: boolean) => void;
  onTag: (tag: string) => void;
};

const TaskMeta = ({ task, now, onTag }: Pick<Props, 'task' | 'now' | 'onTag'>) => {
  const overdue = now !== null && task.due_at !== null && !task.completed && isOverdue(task.due_at, now);
  return (
    <div className="task-meta">
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
  onToggle,
  onSave,
  onDelete,
  onSelect,
  onTag,
}: Props) {
  const [editing, setEditing] = useState(false);
  const titleRef = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);
  // Only the server gives a task its number; until then it cannot be changed.
  const isNew = task.id < 0;

  useEffect(() => {
    if (wasEditing.current && !editing) titleRef.current?.focus();
    wasEditing.current = editing;
  }, [editing]);

  if (editing) {
    return (
      <li className="task task-editing">
        <TaskEditor
          task={task}
          onCancel={() => setEditing(false)}
          onSave={(changes) => {
            setEditing(false);
            onSave(task, changes);
          }}
        />
      </li>
    );
  }

  const hasMeta = task.due_at !== null || task.priority !== 'none' || task.recurrence !== 'none' || task.tags.length > 0;
  return (
    <li
      className="task"
      data-completed={task.completed || undefined}
      data-touched={touched || undefined}
      data-saving={task.saving ?? undefined}
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
          disabled={isNew || task.saving === true}
          onChange={() => onToggle(task)}
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
        {hasMeta && <TaskMeta task={task} now={now} onTag={onTag} />}
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
          onClick={() => onDelete(task)}
        >
          <Icon name="trash" />
        </button>
      </div>
      {!isNew && (
        <span className="task-number" title={`In the chat: “mark task ${task.id} as complete”`}>
          <span className="visually-hidden">Task </span>
          {task.id}
        </span>
      )}
    </li>
  );
});
