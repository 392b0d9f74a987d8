import { headers } from 'next/headers';
import { readTaskPage, readUser, taskSearch } from './api';
import type { Engine, TaskPage, TaskQuery, User } from './types';

/** Where the backend's Service answers inside the cluster; read when a request comes, not at build. */
const backendUrl = (): string => process.env.TODO_BACKEND_URL ?? 'http://backend:8000';

/** A slow backend must not keep the page away: the browser then reads the data itself. */
const timeoutMs = 1500;

const get = async (path: string): Promise<Response | null> => {
  const cookie = (await headers()).get('cookie') ?? '';
  try {
    return await fetch(`${backendUrl()}${path}`, {
      headers: { cookie, accept: 'application/json' },
      signal: AbortSignal.timeout(timeoutMs),
      cache: 'no-store',
    });
  } catch (error) {
    console.warn(`The backend did not answer ${path}: ${String(error)}`);
    return null;
  }
};

export type Session =
  | { state: 'signed-in'; user: User; engine: Engine | null }
  /** `expired`: there was a session. */
  | { state: 'signed-out'; expired: boolean }
  /** The backend did not answer; the browser asks again. */
  | { state: 'unknown' };

export const readSession = async (): Promise<Session> => {
  const cookie = (await headers()).get('cookie');
  if (cookie === null) return { state: 'signed-out', expired: false };
  const response = await get('/api/auth/me');
  if (response === null) return { state: 'unknown' };
  if (response.status === 401) return { state: 'signed-out', expired: cookie.includes('todo_session=') };
  if (!response.ok) return { state: 'unknown' };
  return { state: 'signed-in', ...readUser(await response.json()) };
};

export const readFirstPage = async (userId: string, query: TaskQuery): Promise<TaskPage | null> => {
  const response = await get(`/api/${encodeURIComponent(userId)}/tasks?${taskSearch(query).toString()}`);
  return response?.ok ? readTaskPage(await response.json()) : null;
};
