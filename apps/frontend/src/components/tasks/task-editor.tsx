'use client';

import { useEffect, useId, useRef, useState, type SubmitEvent, type KeyboardEvent } from 'react';
import { fromInputs, toDateInput, toTimeInput } from '@/lib/dates';
import { priorities, recurrences, type Priority, type Recurrence, type Task, type TaskDraft } from '@/lib/types';

type Props = { task: Task; onSave: (changes: Partial<TaskDraft>) => void; onCancel: () => void };

const recurrenceLabels: Record<Recurrence, string> = {
  none: 'Does not repeat',
  daily: 'Every day',
  weekly: 'Every week',
  monthly: 'Every month',
};

const parseTags = (line: string): string[] => [
  ...new Set(
    line
      .split(/[,\s]+/)
      .map((tag) => tag.replace(/^#/, '').trim())
      .filter((tag) => tag !== ''),
  ),
];

/** Only what differs, so that two tabs may change different fields. */
const changesOf = (task: Task, edited: Required<Omit<TaskDraft, 'completed'>>): Partial<TaskDraft> => {
  const entries = Object.entries(edited) as [keyof typeof edited, unknown][];
  return Object.fromEntries(
    entries.filter(([field, value]) => {
      // The same moment may be written in two ways; no date at all is NaN, which only Object.is finds equal.
      if (field === 'due_at') return !Object.is(Date.parse(String(value)), Date.parse(String(task.due_at)));
      return JSON.stringify(value) !== JSON.stringify(task[field] ?? (field === 'description' ? '' : null));
    }),
  );
};

export const TaskEditor = ({ task, onSave, onCancel }: Props) => {
  const id = useId();
  const titleRef = useRef<HTMLInputElement>(null);
  const [title, setTitle] = useState(task.title);
  const [description, setDescription] = useState(task.description ?? '');
  const [date, setDate] = useState(toDateInput(task.due_at));
  const [clock, setClock] = useState(toTimeInput(task.due_at));
  const [priority, setPriority] = useState(task.priority);
  const [recurrence, setRecurrence] = useState(task.recurrence);
  const [tags, setTags] = useState(task.tags.join(', '));
  const [errors, setErrors] = useState<{ title?: string; tags?: string }>({});

  useEffect(() => {
    titleRef.current?.form?.scrollIntoView({ block: 'nearest' });
    titleRef.current?.focus();
    titleRef.current?.select();
  }, []);

  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const tagList = parseTags(tags);
    const found: { title?: string; tags?: string } = {};
    if (title.trim() === '') found.title = 'A task needs a title.';
    if (tagList.length > 10) found.tags = `At most 10 tags; these are ${tagList.length}.`;
    const long = tagList.find((tag) => tag.length > 30);
    if (long !== undefined) found.tags = `“${long}” is longer than 30 characters.`;
    setErrors(found);
    if (Object.keys(found).length > 0) return;
    const changes = changesOf(task, {
      title: title.trim(),
      description: description.trim(),
      due_at: fromInputs(date, clock),
      priority,
      recurrence,
      tags: tagList,
    });
    if (Object.keys(changes).length === 0) onCancel();
    else onSave(changes);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    onCancel();
  };

  return (
    // Escape is a shortcut for the Cancel button inside.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <form className="task-editor" aria-label={`Edit ${task.title}`} onSubmit={submit} onKeyDown={onKeyDown}>
      <label htmlFor={`${id}-title`}>Title</label>
      <input
        id={`${id}-title`}
        ref={titleRef}
        dir="auto"
        maxLength={200}
        value={title}
        aria-invalid={errors.title !== undefined}
        aria-describedby={errors.title === undefined ? undefined : `${id}-title-error`}
        onChange={(event) => setTitle(event.target.value)}
      />
      {errors.title !== undefined && (
        <p id={`${id}-title-error`} className="field-error">
          {errors.title}
        </p>
      )}
      <label htmlFor={`${id}-description`}>Notes</label>
      <textarea
        id={`${id}-description`}
        dir="auto"
        rows={2}
        maxLength={1000}
        value={description}
        onChange={(event) => setDescription(event.target.value)}
      />
      <div className="task-editor-row">
        <div>
          <label htmlFor={`${id}-date`}>Due date</label>
          <input id={`${id}-date`} type="date" value={date} onChange={(event) => setDate(event.target.value)} />
        </div>
        <div>
          <label htmlFor={`${id}-time`}>Time</label>
          <input
            id={`${id}-time`}
            type="time"
            value={clock}
            disabled={date === ''}
            onChange={(event) => setClock(event.target.value)}
          />
        </div>
        <div>
          <label htmlFor={`${id}-priority`}>Priority</label>
          <select
            id={`${id}-priority`}
            value={priority}
            onChange={(event) => setPriority(event.target.value as Priority)}
          >
            {priorities.map((value) => (
              <option key={value} value={value}>
                {value[0]?.toUpperCase()}
                {value.slice(1)}
              </option>
            ))}
          </select>
        </div>
        <div>
          <label htmlFor={`${id}-recurrence`}>Repeat</label>
          <select
            id={`${id}-recurrence`}
            value={recurrence}
            onChange={(event) => setRecurrence(event.target.value as Recurrence)}
          >
            {recurrences.map((value) => (
              <option key={value} value={value}>
                {recurrenceLabels[value]}
              </option>
            ))}
          </select>
        </div>
      </div>
      <label htmlFor={`${id}-tags`}>Tags</label>
      <input
        id={`${id}-tags`}
        dir="auto"
        placeholder="home, errands"
        autoComplete="off"
        value={tags}
        aria-invalid={errors.tags !== undefined}
        aria-describedby={errors.tags === undefined ? undefined : `${id}-tags-error`}
        onChange={(event) => setTags(event.target.value)}
      />
      {errors.tags !== undefined && (
        <p id={`${id}-tags-error`} className="field-error">
          {errors.tags}
        </p>
      )}
      <div className="task-editor-actions">
        <button type="submit" className="button button-primary">
          Save
        </button>
        <button type="button" className="button button-quiet" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </form>
  );
};
