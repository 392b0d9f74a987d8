'use client';

import { useEffect, useId, useRef, useState, type SubmitEvent, type KeyboardEvent } from 'react';
import { flushSync } from 'react-dom';
import { changedElsewhere } from '@/lib/api';
import { fromInputs, toDateInput, toTimeInput } from '@/lib/dates';
import { readEditDraft, writeEditDraft, type EditDraft, type Edited } from '@/lib/edit-draft';
import { focusInvalid } from '@/lib/focus';
import { lengthOf, maxTitle } from '@/lib/length';
import { priorities, recurrences, type Priority, type Recurrence, type Task, type TaskDraft } from '@/lib/types';
import type { Refusal } from '@/lib/use-tasks';

type Props = {
  task: Task;
  takesFocus: boolean;
  /** Answers why the changes were not saved; null when they were. */
  onSave: (changes: Partial<TaskDraft>) => Promise<Refusal | null>;
  onCancel: () => void;
};
type Errors = Partial<Record<'title' | 'description' | 'tags', string>>;

const maxDescription = 1000;
const maxTags = 10;
const maxTag = 30;

const recurrenceLabels: Record<Recurrence, string> = {
  none: 'Does not repeat',
  daily: 'Every day',
  weekly: 'Every week',
  monthly: 'Every month',
};

/** A tag may be several words, as the API has it. */
const parseTags = (line: string): string[] => [
  ...new Set(
    line
      .split(/[,\n]/)
      .map((tag) => tag.trim().replace(/^#/, '').trim())
      .filter((tag) => tag !== ''),
  ),
];

const editedOf = (task: Task): Edited => ({
  title: task.title,
  description: task.description ?? '',
  date: toDateInput(task.due_at),
  clock: toTimeInput(task.due_at),
  priority: task.priority,
  recurrence: task.recurrence,
  tags: task.tags.join(', '),
});

/** What the task holds in the fields that these name. */
const heldIn = (task: Task, fields: Partial<Edited>): Partial<Edited> => {
  const held = editedOf(task);
  return Object.fromEntries(Object.keys(fields).map((field) => [field, held[field as keyof Edited]]));
};

const draftOf = (task: Task, typed: Partial<Edited>): Required<Omit<TaskDraft, 'completed'>> => {
  const { title, description, date, clock, priority, recurrence } = { ...editedOf(task), ...typed };
  return {
    title: title.trim(),
    description: description.trim(),
    due_at: fromInputs(date, clock),
    priority,
    recurrence,
    // The line cannot show every tag that the API allows, such as one with a comma.
    tags: typed.tags === undefined ? task.tags : parseTags(typed.tags),
  };
};

/** Only what differs, so that two tabs may change different fields. */
const changesOf = (task: Task, draft: ReturnType<typeof draftOf>): Partial<TaskDraft> => {
  const entries = Object.entries(draft) as [keyof typeof draft, unknown][];
  return Object.fromEntries(
    entries.filter(([field, value]) => {
      // The same moment may be written in two ways; no date at all is NaN, which only Object.is finds equal.
      if (field === 'due_at') return !Object.is(Date.parse(String(value)), Date.parse(String(task.due_at)));
      return JSON.stringify(value) !== JSON.stringify(task[field] ?? (field === 'description' ? '' : null));
    }),
  );
};

/** What the server would refuse of the changes: the rest it has accepted before. */
const check = ({ title, description, tags = [] }: Partial<TaskDraft>): Errors => {
  const errors: Errors = {};
  if (title === '') errors.title = 'A task needs a title.';
  const ofTitle = lengthOf(title ?? '');
  if (ofTitle > maxTitle) errors.title = `A title has at most ${maxTitle} characters; this one has ${ofTitle}.`;
  const ofNotes = lengthOf(description ?? '');
  if (ofNotes > maxDescription) errors.description = `Notes have at most ${maxDescription} characters; these have ${ofNotes}.`;
  if (tags.length > maxTags) errors.tags = `At most ${maxTags} tags; these are ${tags.length}.`;
  const long = tags.find((tag) => lengthOf(tag) > maxTag);
  if (long !== undefined) errors.tags = `“${long}” is longer than ${maxTag} characters.`;
  return errors;
};

export const TaskEditor = ({ task, takesFocus, onSave, onCancel }: Props) => {
  const id = useId();
  const titleRef = useRef<HTMLInputElement>(null);
  // Only what was typed: the other fields follow the task, which may change while the editor is open.
  const [{ typed, base }, setDraft] = useState<Pick<EditDraft, 'typed' | 'base'>>(() => {
    const draft = readEditDraft(task.user_id);
    return draft?.id === task.id ? draft : { typed: {}, base: {} };
  });
  const [errors, setErrors] = useState<Errors>({});
  const [problem, setProblem] = useState('');
  const [saving, setSaving] = useState(false);
  const { title, description, date, clock, priority, recurrence, tags } = { ...editedOf(task), ...typed };

  useEffect(() => {
    if (!takesFocus) return;
    titleRef.current?.form?.scrollIntoView({ block: 'nearest' });
    titleRef.current?.focus();
    titleRef.current?.select();
  }, [takesFocus]);

  const type = (changes: Partial<Edited>): void => {
    const draft = { id: task.id, typed: { ...typed, ...changes }, base: { ...heldIn(task, changes), ...base } };
    setDraft(draft);
    writeEditDraft(task.user_id, draft);
  };
  const forget = (): void => writeEditDraft(task.user_id, { id: task.id, typed: {}, base: {} });
  const cancel = (): void => {
    forget();
    onCancel();
  };

  const submit = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (saving) return;
    const changes = changesOf(task, draftOf(task, typed));
    const found = check(changes);
    flushSync(() => setErrors(found));
    setProblem('');
    if (Object.keys(found).length > 0) {
      focusInvalid(event.currentTarget);
      return;
    }
    if (Object.keys(changes).length === 0) {
      cancel();
      return;
    }
    const held = heldIn(task, typed);
    setDraft({ typed, base: held });
    if (Object.entries(base).some(([field, value]) => held[field as keyof Edited] !== value)) {
      setProblem(`“${task.title}” was not saved. ${changedElsewhere}`);
      return;
    }
    setSaving(true);
    const refused = await onSave(changes);
    setSaving(false);
    if (refused === null) {
      forget();
      return;
    }
    setProblem(refused.text);
    // Said once: the next try overwrites whatever the task holds by then.
    if (refused.changedElsewhere) setDraft((draft) => ({ ...draft, base: {} }));
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    cancel();
  };

  return (
    // Escape is a shortcut for the Cancel button inside.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <form className="task-editor" aria-label={`Edit ${task.title}`} onSubmit={(event) => void submit(event)} onKeyDown={onKeyDown}>
      <label htmlFor={`${id}-title`}>Title</label>
      <input
        id={`${id}-title`}
        ref={titleRef}
        dir="auto"
        value={title}
        aria-invalid={errors.title !== undefined}
        aria-describedby={errors.title === undefined ? undefined : `${id}-title-error`}
        onChange={(event) => type({ title: event.target.value })}
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
        value={description}
        aria-invalid={errors.description !== undefined}
        aria-describedby={errors.description === undefined ? undefined : `${id}-description-error`}
        onChange={(event) => type({ description: event.target.value })}
      />
      {errors.description !== undefined && (
        <p id={`${id}-description-error`} className="field-error">
          {errors.description}
        </p>
      )}
      <div className="task-editor-row">
        <div>
          <label htmlFor={`${id}-date`}>Due date</label>
          <input id={`${id}-date`} type="date" value={date} onChange={(event) => type({ date: event.target.value })} />
        </div>
        <div>
          <label htmlFor={`${id}-time`}>Time</label>
          <input
            id={`${id}-time`}
            type="time"
            value={clock}
            disabled={date === ''}
            onChange={(event) => type({ clock: event.target.value })}
          />
        </div>
        <div>
          <label htmlFor={`${id}-priority`}>Priority</label>
          <select
            id={`${id}-priority`}
            value={priority}
            onChange={(event) => type({ priority: event.target.value as Priority })}
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
            onChange={(event) => type({ recurrence: event.target.value as Recurrence })}
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
        placeholder="home office, errands"
        autoComplete="off"
        value={tags}
        aria-invalid={errors.tags !== undefined}
        aria-describedby={errors.tags === undefined ? `${id}-tags-hint` : `${id}-tags-error`}
        onChange={(event) => type({ tags: event.target.value })}
      />
      {errors.tags === undefined ? (
        <p id={`${id}-tags-hint`} className="field-hint">
          Separate them with commas.
        </p>
      ) : (
        <p id={`${id}-tags-error`} className="field-error">
          {errors.tags}
        </p>
      )}
      {problem !== '' && (
        <p className="notice notice-error" role="alert">
          {problem}
        </p>
      )}
      <div className="task-editor-actions">
        <button type="submit" className="button button-primary" aria-disabled={saving}>
          {saving ? 'Saving…' : problem === '' ? 'Save' : 'Try again'}
        </button>
        <button type="button" className="button button-quiet" onClick={cancel}>
          Cancel
        </button>
      </div>
    </form>
  );
};
