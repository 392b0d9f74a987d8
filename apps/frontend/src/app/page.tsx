import { redirect } from 'next/navigation';
import { Workspace } from '@/components/workspace';
import { WorkspaceLoader } from '@/components/workspace-loader';
import { signInAddress } from '@/lib/address';
import { readFirstPage, readSession } from '@/lib/server';
import { readTheme } from '@/lib/theme';
import type { TaskQuery } from '@/lib/types';

const firstQuery: TaskQuery = { status: 'pending', q: '', tag: '', priority: '', sort: 'newest' };

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

const HomePage = async ({ searchParams }: Props) => {
  const conversationId = Number((await searchParams).conversation) || null;
  const [session, theme] = await Promise.all([readSession(), readTheme()]);
  if (session.state === 'signed-out') {
    const next = conversationId === null ? '/' : `/?conversation=${conversationId}`;
    redirect(signInAddress({ next, expired: session.expired }));
  }
  const common = { theme, query: firstQuery, conversationId };
  if (session.state === 'unknown') return <WorkspaceLoader {...common} />;
  const { user, engine } = session;
  return <Workspace {...common} user={user} engine={engine} firstPage={await readFirstPage(user.id, firstQuery)} />;
};

export default HomePage;
