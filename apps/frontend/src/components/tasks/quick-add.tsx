'use client';

import { useEffect, useRef, useState, type SubmitEvent } from 'react';
import { formatDue } from '@/lib/dates';
import { readDraft, writeDraft } from '@/lib/drafts';
import { lengthOf, maxTitle } from '@/lib/length';
import { parseQuickAdd } from '@/lib/quick-add';
import type { TaskDraft } from '@/lib/types';
import { useNow } from '@/lib/use-now';
import { Icon } from '../icons';

type Props = { userId: string; onAdd: (draft: TaskDraft, giveBack: () => boolean) => Promise<void> };

export const QuickAdd = ({ userId, onAdd }: Props) => {
  const [line, setLine] = useState('');
  const [error, setError] = useState('');
  const now = useNow();
  const field = useRef<HTMLInputElement>(null);

  useEffect(() => {
    // After hydration: the server does not know the draft.
    // eslint-disable-next-line react-hooks/set-state-in-effect
    setLine(readDraft(userId, 'task'));
  }, [userId]);

  const change = (value: string): void => {
    setLine(value);
    setError('');
    writeDraft(userId, 'task', value);
  };

  const draft = parseQuickAdd(line, now ?? new Date(0));
  const hasMarks = draft.tags !== undefined || draft.priority !== undefined || draft.due_at !== undefined;

  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const parsed = parseQuickAdd(line, new Date());
    if (parsed.title === '') {
      setError('Type what is to be done.');
      return;
    }
    const length = lengthOf(parsed.title);
    if (length > maxTitle) {
      setError(`A title has at most ${maxTitle} characters; this one has ${length}.`);
      return;
    }
    change('');
    void onAdd(parsed, () => {
      // What was typed meanwhile is not overwritten.
      if (field.current?.value !== '') return false;
      change(line);
      return true;
    });
  };

  return (
    <form className="quick-add" onSubmit={submit}>
      <label className="visually-hidden" htmlFor="quick-add">
        Add a task
      </label>
      <div className="quick-add-field">
        <Icon name="plus" />
        <input
          id="quick-add"
          ref={field}
          dir="auto"
          placeholder="Add a task"
          autoComplete="off"
          enterKeyHint="done"
          value={line}
          aria-describedby={error === '' ? 'quick-add-hint' : 'quick-add-error'}
          aria-invalid={error !== ''}
          onChange={(event) => change(event.target.value)}
        />
        <button type="submit" className="button button-primary">
          Add
        </button>
      </div>
      {error !== '' && (
        <p id="quick-add-error" className="field-error" role="alert">
          {error}
        </p>
      )}
      {error === '' && hasMarks && now !== null ? (
        <p id="quick-add-hint" className="quick-add-hint">
          <span dir="auto">{draft.title === '' ? 'Task' : draft.title}</span>
          {draft.due_at != null && <span className="chip">{formatDue(draft.due_at, now)}</span>}
          {draft.priority !== undefined && (
            <span className={`chip priority-${draft.priority}`}>{draft.priority} priority</span>
          )}
          {draft.tags?.map((tag) => (
            <span key={tag} className="chip">
              {tag}
            </span>
          ))}
        </p>
      ) : (
        error === '' && (
          <p id="quick-add-hint" className="quick-add-hint">
            Write <code>@tomorrow</code>, <code>!high</code> or <code>#tag</code> anywhere in the line.
          </p>
        )
      )}
    </form>
  );
};
