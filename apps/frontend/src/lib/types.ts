/** Shapes of the backend's API. */

export const priorities = ['none', 'low', 'medium', 'high'] as const;
export type Priority = (typeof priorities)[number];

export const recurrences = ['none', 'daily', 'weekly', 'monthly'] as const;
export type Recurrence = (typeof recurrences)[number];

export type Task = {
  id: number;
  user_id: string;
  title: string;
  description: string | null;
  completed: boolean;
  priority: Priority;
  due_at: string | null;
  tags: string[];
  recurrence: Recurrence;
  created_at: string;
  updated_at: string;
};

export type TaskDraft = Pick<Task, 'title'> &
  Partial<Pick<Task, 'description' | 'priority' | 'due_at' | 'tags' | 'recurrence' | 'completed'>>;

export type User = { id: string; email: string; name: string | null };

export type Engine = { name: string; model: string | null };

export type Status = 'all' | 'pending' | 'completed';

export const sorts = ['newest', 'oldest', 'due', 'priority', 'title'] as const;
export type Sort = (typeof sorts)[number];

export type TaskQuery = { status: Status; q: string; tag: string; priority: Priority | ''; sort: Sort };

export type TaskPage = { tasks: Task[]; nextCursor: string | null };

export type Conversation = { id: number; title: string; updated_at: string };

export type ConversationPage = { conversations: Conversation[]; nextCursor: string | null };

export type ToolCall = { name: string; arguments: unknown; result: unknown };

export type StoredMessage = {
  id: number;
  role: 'user' | 'assistant';
  content: string;
  tool_calls: ToolCall[];
  created_at: string;
};

export type AccessToken = {
  id: number | string;
  name: string;
  created_at: string;
  expires_at: string | null;
  last_used_at?: string | null;
};
