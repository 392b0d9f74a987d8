import { redirect } from 'next/navigation';
import { TopBar } from '@/components/top-bar';
import { Workspace } from '@/components/workspace';
import { WorkspaceLoader } from '@/components/workspace-loader';
import { readFirstPage, readSession } from '@/lib/server';
import { readTheme } from '@/lib/theme';
import type { TaskQuery } from '@/lib/types';

const firstQuery: TaskQuery = { status: 'pending', q: '', tag: '', priority: '', sort: 'newest' };

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

const HomePage = async ({ searchParams }: Props) => {
  const conversationId = Number((await searchParams).conversation) || null;
  const [session, theme] = await Promise.all([readSession(), readTheme()]);
  if (session.state === 'signed-out') redirect('/sign-in');
  if (session.state === 'unknown') {
    return (
      <>
        <TopBar user={null} theme={theme} />
        <WorkspaceLoader query={firstQuery} conversationId={conversationId} />
      </>
    );
  }
  const firstPage = await readFirstPage(session.user.id, firstQuery);
  return (
    <>
      <TopBar user={session.user} theme={theme} />
      <Workspace
        user={session.user}
        engine={session.engine}
        query={firstQuery}
        firstPage={firstPage}
        conversationId={conversationId}
      />
    </>
  );
};

export default HomePage;
