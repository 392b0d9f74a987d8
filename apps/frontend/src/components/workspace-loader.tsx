'use client';

import { useEffect, useState } from 'react';
import { toSignIn } from '@/lib/address';
import { ApiError, getUser } from '@/lib/api';
import { TopBar } from './top-bar';
import { Workspace, type WorkspaceProps } from './workspace';

type Props = Pick<WorkspaceProps, 'theme' | 'query' | 'conversationId'>;

const retryMs = 2000;

/** Asks for the session from the browser, where the server got no answer; goes on by itself when one comes. */
export const WorkspaceLoader = (props: Props) => {
  const [session, setSession] = useState<Pick<WorkspaceProps, 'user' | 'engine'> | null>(null);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = false;
    const ask = async (): Promise<void> => {
      try {
        const answer = await getUser();
        if (!left) setSession(answer);
      } catch (error) {
        if (left) return;
        if (error instanceof ApiError && error.status === 401) toSignIn();
        else timer = setTimeout(() => void ask(), retryMs);
      }
    };
    void ask();
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, []);

  if (session !== null) return <Workspace {...props} {...session} firstPage={null} />;
  return (
    <>
      <TopBar user={null} theme={props.theme} />
      <main className="page-message">
        <h1>Just a moment</h1>
        <p role="status">The service does not answer yet, it may be restarting. This page goes on by itself.</p>
      </main>
    </>
  );
};
