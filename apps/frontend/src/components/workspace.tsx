'use client';

import { useCallback, useEffect, useState } from 'react';
import { flushSync } from 'react-dom';
import { conversationInAddress, setConversationInAddress, toSignIn } from '@/lib/address';
import { ApiError, messageOf } from '@/lib/api';
import { readDraft, writeDraft } from '@/lib/drafts';
import { focusFirst } from '@/lib/focus';
import { onTabMessage, tellTabs } from '@/lib/tabs';
import type { Engine, TaskPage, TaskQuery, User } from '@/lib/types';
import { useChat } from '@/lib/use-chat';
import { useConversationDeletes } from '@/lib/use-conversation-deletes';
import { useTasks } from '@/lib/use-tasks';
import { useToasts } from '@/lib/use-toasts';
import { ChatPane } from './chat/chat-pane';
import { Gate } from './gate';
import { Icon } from './icons';
import { PaneBoundary } from './pane-boundary';
import { TaskPane } from './tasks/task-pane';
import type { Theme } from './theme-toggle';
import { Toasts } from './toasts';
import { TopBar } from './top-bar';

export type WorkspaceProps = {
  theme: Theme;
  user: User;
  engine: Engine | null;
  query: TaskQuery;
  firstPage: TaskPage | null;
  conversationId: number | null;
};

type View = 'tasks' | 'chat';

const skips: { view: View; label: string; places: string[] }[] = [
  { view: 'tasks', label: 'Skip to the tasks', places: ['.task-list', '#tasks-heading'] },
  { view: 'chat', label: 'Skip to the assistant', places: ['#composer'] },
];

export const Workspace = ({ theme, user, engine, query: firstQuery, firstPage, conversationId }: WorkspaceProps) => {
  const [view, setView] = useState<View>('tasks');
  const [query, setQuery] = useState(firstQuery);
  const { toasts, show, close } = useToasts();
  const tasks = useTasks({ userId: user.id, query, firstPage, showToast: show, onSignedOut: toSignIn });
  const { reload, applyTool, finishDeletes } = tasks;

  const chat = useChat({
    userId: user.id,
    conversationId,
    beforeTurn: useCallback(async () => {
      try {
        await finishDeletes();
      } catch (error) {
        // Without a session the turn itself is refused, and its text kept.
        if (error instanceof ApiError && error.status === 401) return;
        show({ tone: 'error', text: `Not everything was deleted. ${messageOf(error)}` });
      }
    }, [finishDeletes, show]),
    onToolOutput: applyTool,
    onTurnEnd: useCallback(() => {
      reload();
      tellTabs('tasks-changed');
    }, [reload]),
    onSignedOut: useCallback(
      (unsent: string) => {
        const name = `chat-${conversationInAddress() ?? 'new'}`;
        // Before what was typed since.
        writeDraft(user.id, name, [unsent, readDraft(user.id, name)].filter(Boolean).join('\n'));
        toSignIn();
      },
      [user.id],
    ),
  });

  const onError = useCallback(
    (error: unknown, text: string): void => {
      if (error instanceof ApiError && error.status === 401) toSignIn();
      else show({ tone: 'error', text: `${text} ${messageOf(error)}` });
    },
    [show],
  );
  const conversationDeletes = useConversationDeletes({ userId: user.id, showToast: show, onError });

  const { open, state } = chat;
  useEffect(() => {
    if (conversationId === null) return;
    open(conversationId, { patient: true }).catch((error: unknown) => {
      onError(error, 'The conversation could not be opened.');
      if (!(error instanceof ApiError) || error.status !== 404) return;
      setConversationInAddress(null);
      void open(null);
    });
  }, [conversationId, open, onError]);
  const shown = state.conversationId;
  useEffect(() => {
    if (shown !== null) setConversationInAddress(shown);
  }, [shown]);

  useEffect(
    () =>
      onTabMessage((message) => {
        if (message === 'signed-out') location.assign('/sign-in');
      }),
    [],
  );

  const onQuery = useCallback((changes: Partial<TaskQuery>) => setQuery((value) => ({ ...value, ...changes })), []);

  return (
    <>
      {skips.map(({ view: wanted, label, places }) => (
        <a
          key={wanted}
          href={`#${wanted}`}
          className="skip-link"
          onClick={(event) => {
            event.preventDefault();
            // On a phone the other view may be the one that is shown.
            flushSync(() => setView(wanted));
            focusFirst(...places);
          }}
        >
          {label}
        </a>
      ))}
      <TopBar
        user={user}
        theme={theme}
        beforeSignOut={async () => {
          await finishDeletes();
          await conversationDeletes.finish();
        }}
      />
      <nav className="view-switch" aria-label="View">
        <Gate>
          <button type="button" aria-pressed={view === 'tasks'} onClick={() => setView('tasks')}>
            <Icon name="list" />
            Tasks
          </button>
          <button type="button" aria-pressed={view === 'chat'} onClick={() => setView('chat')}>
            <Icon name="chat" />
            Chat
          </button>
        </Gate>
      </nav>
      <main className="workspace" data-view={view}>
        <h1 className="visually-hidden">Todo Chatbot</h1>
        <Gate>
          <PaneBoundary id="tasks" className="task-pane" what="The task list">
            <TaskPane userId={user.id} tasks={tasks} query={query} onQuery={onQuery} />
          </PaneBoundary>
          <PaneBoundary id="chat" className="chat-pane" what="The conversation">
            <ChatPane userId={user.id} engine={engine} chat={chat} deletes={conversationDeletes} onError={onError} />
          </PaneBoundary>
        </Gate>
      </main>
      <Toasts toasts={toasts} close={close} />
    </>
  );
};
