import type {
  AccessToken,
  Conversation,
  ConversationPage,
  Engine,
  Sort,
  StoredMessage,
  Task,
  TaskDraft,
  TaskPage,
  TaskQuery,
  User,
} from './types';

/** Tasks on the first page, and the most that one request may ask for. */
export const pageSize = 50;
const maxPageSize = 100;

/** An answer that is not 2xx, or none at all (status 0). `fields` maps a field's name to what is wrong with it. */
export class ApiError extends Error {
  readonly status: number;
  readonly fields: Record<string, string>;
  readonly retryAfter: number | null;

  constructor(
    status: number,
    message: string,
    { fields = {}, retryAfter = null }: { fields?: Record<string, string>; retryAfter?: number | null } = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.fields = fields;
    this.retryAfter = retryAfter;
  }

  /** True where the same request may succeed later: no answer, or an ingress without a backend. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }

  /** True where the request may have been carried out all the same: nobody knows what became of it. */
  get mayHaveArrived(): boolean {
    return this.status === 0 || this.status === 504;
  }

  /** True where the next request would meet the same: no service, no session, or no more for now. */
  get stopsOthers(): boolean {
    return this.isTemporary || this.status === 401 || this.status === 429;
  }
}

/** What to tell the reader. An error that is not the service's says nothing to them; it goes to the console. */
export const messageOf = (error: unknown): string => {
  if (error instanceof ApiError) return error.message;
  console.error(error);
  return 'Something went wrong on this page.';
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

export const changedElsewhere = 'This was changed elsewhere in the meantime.';

const problemMessages: Record<number, string> = {
  0: 'The service cannot be reached. Check your connection.',
  401: 'You are signed out.',
  404: 'This no longer exists.',
  409: 'Another turn of this conversation is still running.',
  412: changedElsewhere,
  413: 'This is too large.',
  429: 'Too many requests.',
  502: 'The service is restarting.',
  503: 'The service is not ready yet.',
  504: 'The service did not answer in time.',
};

/** Reads RFC 9457 problem details; anything else (an ingress's own page) falls back to a sentence of ours. */
export const readProblem = async (response: Response): Promise<ApiError> => {
  const retryAfter = Number(response.headers.get('retry-after')) || null;
  let message = problemMessages[response.status] ?? `The service answered with an error (${response.status}).`;
  const fields: Record<string, string> = {};
  const body: unknown = (response.headers.get('content-type') ?? '').includes('json')
    ? await response.json().catch(() => null)
    : null;
  if (isRecord(body)) {
    if (typeof body.detail === 'string') message = body.detail;
    else if (typeof body.title === 'string') message = body.title;
    if (Array.isArray(body.errors)) {
      for (const error of body.errors as unknown[]) {
        if (!isRecord(error)) continue;
        const field = typeof error.field === 'string' ? error.field.split('.').at(-1) : undefined;
        const detail = error.message ?? error.detail;
        if (field !== undefined && typeof detail === 'string') fields[field] = detail;
      }
    }
  }
  if (response.status === 429 && retryAfter !== null) message += ` Try again in ${retryAfter} s.`;
  return new ApiError(response.status, message, { fields, retryAfter });
};

type Init = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> };

/** Sends a request and answers with the response; throws ApiError for everything but 2xx. */
export const send = async (path: string, init: Init = {}): Promise<Response> => {
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers: { accept: 'application/json', ...init.headers } });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, problemMessages[0] ?? '');
  }
  if (!response.ok) throw await readProblem(response);
  return response;
};

const json = async <T>(path: string, init: Init = {}): Promise<T> =>
  (await (await send(path, init)).json()) as T;

const withBody = (method: string, body: unknown, headers: Record<string, string> = {}): Init => ({
  method,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...headers },
});

/* Account and session */

type Credentials = { email: string; password: string; name?: string };

export const register = async (body: Credentials): Promise<User> =>
  (await json<{ user: User }>('/api/auth/register', withBody('POST', body))).user;
export const login = async (body: Credentials): Promise<User> =>
  (await json<{ user: User }>('/api/auth/login', withBody('POST', body))).user;
export const logout = async ({ everywhere = false }: { everywhere?: boolean } = {}): Promise<void> => {
  await send(everywhere ? '/api/auth/logout?everywhere=true' : '/api/auth/logout', { method: 'POST' });
};
export const deleteAccount = async (): Promise<void> => {
  await send('/api/auth/me', { method: 'DELETE' });
};
export const getUser = async (): Promise<{ user: User; engine: Engine | null }> => readUser(await json('/api/auth/me'));

/** The answer of GET /api/auth/me. */
export const readUser = (body: unknown): { user: User; engine: Engine | null } => {
  const { user, assistant } = body as { user: User; assistant?: Engine };
  return { user, engine: assistant ?? null };
};

export const listTokens = async (): Promise<AccessToken[]> =>
  (await json<{ items: AccessToken[] }>('/api/auth/tokens')).items;
export const createToken = async (body: {
  name: string;
  expires_in_days?: number;
}): Promise<AccessToken & { token: string }> => json('/api/auth/tokens', withBody('POST', body));
export const deleteToken = async (id: AccessToken['id']): Promise<void> => {
  await send(`/api/auth/tokens/${id}`, { method: 'DELETE' });
};

/* Tasks */

const sortKeys: Record<Sort, string> = {
  newest: '-created_at',
  oldest: 'created_at',
  due: 'due_at',
  priority: '-priority',
  title: 'title',
};

export const taskSearch = (query: TaskQuery, cursor?: string | null, wanted = pageSize): URLSearchParams => {
  const limit = Math.min(Math.max(wanted, pageSize), maxPageSize);
  const search = new URLSearchParams({ limit: String(limit), sort: sortKeys[query.sort] });
  if (query.status !== 'all') search.set('status', query.status);
  if (query.q.trim() !== '') search.set('q', query.q.trim());
  if (query.tag !== '') search.set('tag', query.tag);
  if (query.priority !== '') search.set('priority', query.priority);
  if (cursor) search.set('cursor', cursor);
  return search;
};

/** The answer of GET /api/{user_id}/tasks. */
export const readTaskPage = (body: unknown): TaskPage => {
  const { items, next_cursor } = body as { items: Task[]; next_cursor: string | null };
  return { tasks: items, nextCursor: next_cursor };
};

const tasksPath = (userId: string): string => `/api/${encodeURIComponent(userId)}/tasks`;

export const listTasks = async (
  userId: string,
  query: TaskQuery,
  { cursor, wanted, signal }: { cursor?: string | null; wanted?: number; signal?: AbortSignal } = {},
): Promise<TaskPage> =>
  readTaskPage(
    await json(
      `${tasksPath(userId)}?${taskSearch(query, cursor, wanted).toString()}`,
      signal === undefined ? {} : { signal },
    ),
  );
/** A due date comes with the clock it was read from, which its recurrence then keeps to. */
const withClock = <Fields extends Partial<TaskDraft>>(fields: Fields): Fields & { time_zone?: string } =>
  fields.due_at == null && fields.recurrence === undefined
    ? fields
    : { ...fields, time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone };

export const createTask = async (userId: string, draft: TaskDraft): Promise<Task> =>
  json(tasksPath(userId), withBody('POST', withClock(draft)));
/** Changes the given fields; refused with 412 when the task was changed since `task` was read. */
export const updateTask = async (userId: string, task: Task, changes: Partial<TaskDraft>): Promise<Task> =>
  json(`${tasksPath(userId)}/${task.id}`, withBody('PUT', { ...withClock(changes), updated_at: task.updated_at }));
/** Says what is wanted rather than "the other way round", so that a page behind the times reopens nothing. */
export const setCompleted = async (userId: string, id: number, completed: boolean): Promise<Task> =>
  json(`${tasksPath(userId)}/${id}`, withBody('PUT', { completed }));
export const deleteTask = async (
  userId: string,
  id: number,
  { keepalive = false }: { keepalive?: boolean } = {},
): Promise<void> => {
  await send(`${tasksPath(userId)}/${id}`, { method: 'DELETE', keepalive });
};

/* Conversations */

const conversationsPath = (userId: string): string => `/api/${encodeURIComponent(userId)}/conversations`;

/** One page of conversations, the one last talked in first. */
export const listConversations = async (userId: string, cursor: string | null = null): Promise<ConversationPage> => {
  const search = cursor === null ? '' : `?${new URLSearchParams({ cursor }).toString()}`;
  const { items, next_cursor } = await json<{ items: Conversation[]; next_cursor: string | null }>(
    `${conversationsPath(userId)}${search}`,
  );
  return { conversations: items, nextCursor: next_cursor };
};
/** A conversation with its newest messages, or with those before the cursor. */
export const getConversation = async (
  userId: string,
  id: number,
  { cursor = null, ...init }: { cursor?: string | null; signal?: AbortSignal } = {},
): Promise<Conversation & { messages: StoredMessage[]; next_cursor: string | null }> => {
  const search = cursor === null ? '' : `?${new URLSearchParams({ cursor }).toString()}`;
  return json(`${conversationsPath(userId)}/${id}${search}`, init);
};
export const deleteConversation = async (
  userId: string,
  id: number,
  { keepalive = false }: { keepalive?: boolean } = {},
): Promise<void> => {
  await send(`${conversationsPath(userId)}/${id}`, { method: 'DELETE', keepalive });
};
/** Starts one turn; the answer is an event stream. */
export const startTurn = async (
  userId: string,
  turn: { message: string; conversation_id?: number },
  signal: AbortSignal,
): Promise<Response> =>
  send(`/api/${encodeURIComponent(userId)}/chat`, {
    ...withBody('POST', turn, { accept: 'text/event-stream' }),
    signal,
  });
