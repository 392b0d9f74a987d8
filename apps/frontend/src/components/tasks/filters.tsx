'use client';

import type { Priority, Sort, Status, TaskQuery } from '@/lib/types';
import { Icon } from '../icons';

const statuses: { value: Status; label: string }[] = [
  { value: 'pending', label: 'To do' },
  { value: 'completed', label: 'Done' },
  { value: 'all', label: 'All' },
];

const sortLabels: Record<Sort, string> = {
  newest: 'Newest first',
  oldest: 'Oldest first',
  due: 'Due date',
  priority: 'Priority',
  title: 'Title',
};

const priorityLabels: Record<Priority | '', string> = {
  '': 'Any priority',
  high: 'High',
  medium: 'Medium',
  low: 'Low',
  none: 'None',
};

type Props = {
  query: TaskQuery;
  /** Tags to choose from. */
  tags: ReadonlySet<string>;
  onChange: (changes: Partial<TaskQuery>) => void;
  selecting: boolean;
  onSelecting: (selecting: boolean) => void;
};

export const Filters = ({ query, tags, onChange, selecting, onSelecting }: Props) => (
  <div className="filters" role="search" aria-label="Tasks">
    <fieldset className="segments">
      <legend className="visually-hidden">Show</legend>
      {statuses.map(({ value, label }) => (
        <label key={value} className="segment">
          <input
            type="radio"
            name="status"
            value={value}
            checked={query.status === value}
            onChange={() => onChange({ status: value })}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
    <div className="search-field">
      <Icon name="search" />
      <input
        type="search"
        aria-label="Search tasks"
        placeholder="Search"
        value={query.q}
        onChange={(event) => onChange({ q: event.target.value })}
      />
    </div>
    <div className="filter-selects">
      <select
        aria-label="Priority"
        value={query.priority}
        onChange={(event) => onChange({ priority: event.target.value as Priority | '' })}
      >
        {Object.entries(priorityLabels).map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      {(tags.size > 0 || query.tag !== '') && (
        <select aria-label="Tag" value={query.tag} onChange={(event) => onChange({ tag: event.target.value })}>
          <option value="">Any tag</option>
          {[...new Set([...tags, query.tag])]
            .filter((tag) => tag !== '')
            .sort((a, b) => a.localeCompare(b))
            .map((tag) => (
              <option key={tag} value={tag}>
                {tag}
              </option>
            ))}
        </select>
      )}
      <select aria-label="Sort" value={query.sort} onChange={(event) => onChange({ sort: event.target.value as Sort })}>
        {Object.entries(sortLabels).map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <button
        type="button"
        id="select-tasks"
        className="button button-quiet"
        aria-pressed={selecting}
        onClick={() => onSelecting(!selecting)}
      >
        Select
      </button>
    </div>
  </div>
);
