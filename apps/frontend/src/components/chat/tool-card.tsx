import { useNow } from '@/lib/use-now';
import { formatDue } from '@/lib/dates';
import type { ToolPart } from '@/lib/chat-reducer';
import { Icon } from '../icons';

type Described = { title?: unknown; status?: unknown; due_at?: unknown };

const verbs: Record<string, [running: string, done: string]> = {
  add_task: ['Adding a task', 'Added'],
  list_tasks: ['Reading tasks', 'Read'],
  complete_task: ['Completing a task', 'Completed'],
  delete_task: ['Deleting a task', 'Deleted'],
  update_task: ['Changing a task', 'Changed'],
};

/** A long list is kept short and says how long it was. */
const countOf = (output: unknown): number | null => {
  if (Array.isArray(output)) return output.length;
  const { result, count } = (output ?? {}) as { result?: unknown; count?: unknown };
  if (typeof count === 'number') return count;
  return Array.isArray(result) ? result.length : null;
};

/** One line that says what the tool did, in the user's words rather than the protocol's. */
export const summarize = (part: ToolPart): string => {
  const [running, done] = verbs[part.name] ?? [`Running ${part.name}`, part.name];
  if (part.state === 'running') return `${running}…`;
  if (part.state === 'stopped') return `${running}: stopped`;
  if (part.state === 'failed') return `${running} failed`;
  if (part.name === 'list_tasks') {
    const count = countOf(part.output);
    return count === null ? done : `${done} ${count} ${count === 1 ? 'task' : 'tasks'}`;
  }
  const { title } = (part.output ?? {}) as Described;
  return typeof title === 'string' ? `${done} “${title}”` : done;
};

const Value = ({ value }: { value: unknown }) => (
  // A long value scrolls, so it must be reachable by keyboard.
  // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
  <pre tabIndex={0}>{typeof value === 'string' ? value : JSON.stringify(value, null, 2)}</pre>
);

export const ToolCard = ({ part }: { part: ToolPart }) => {
  const now = useNow();
  const due = (part.output as Described | null)?.due_at;
  return (
    <details className="tool-card" data-state={part.state}>
      <summary>
        <span className="tool-state">
          <Icon name={part.state === 'done' ? 'check' : part.state === 'running' ? 'retry' : 'warning'} />
        </span>
        <span dir="auto">{summarize(part)}</span>
        {typeof due === 'string' && now !== null && <span className="chip">{formatDue(due, now)}</span>}
      </summary>
      <dl>
        <dt>Tool</dt>
        <dd>
          <code>{part.name}</code>
        </dd>
        <dt>Arguments</dt>
        <dd>
          <Value value={part.input ?? {}} />
        </dd>
        {part.state === 'done' && (
          <>
            <dt>Result</dt>
            <dd>
              <Value value={part.output ?? null} />
            </dd>
          </>
        )}
        {part.error !== null && (
          <>
            <dt>Error</dt>
            <dd>{part.error}</dd>
          </>
        )}
      </dl>
    </details>
  );
};
