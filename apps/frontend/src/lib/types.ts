/** Shapes of the backend's API, by the names the page has for them; `npm run api-types` writes what they come from. */

import type { components } from './api-types';

type Schemas = components['schemas'];

/** What a tool has just made tells no time zone. */
export type Task = Omit<Schemas['TaskPublic'], 'time_zone'> & Partial<Pick<Schemas['TaskPublic'], 'time_zone'>>;
export type Priority = Task['priority'];
export type Recurrence = Task['recurrence'];

export const priorities = ['none', 'low', 'medium', 'high'] as const satisfies readonly Priority[];
export const recurrences = ['none', 'daily', 'weekly', 'monthly'] as const satisfies readonly Recurrence[];

export type TaskDraft = Omit<Schemas['TaskCreate'], 'time_zone'>;

export type User = Schemas['UserPublic'];

export type Engine = Schemas['Assistant'];

export type Status = 'all' | 'pending' | 'completed';

export const sorts = ['newest', 'oldest', 'due', 'priority', 'title'] as const;
export type Sort = (typeof sorts)[number];

export type TaskQuery = { status: Status; q: string; tag: string; priority: Priority | ''; sort: Sort };

export type TaskPage = { tasks: Task[]; nextCursor: string | null };

export type Conversation = Pick<Schemas['ConversationPublic'], 'id' | 'title' | 'updated_at'>;

export type ConversationPage = { conversations: Conversation[]; nextCursor: string | null };

export type ToolCall = Schemas['ToolCallPublic'];

export type StoredMessage = Schemas['MessagePublic'];

export type AccessToken = Schemas['TokenPublic'];
