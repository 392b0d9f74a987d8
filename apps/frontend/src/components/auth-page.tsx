import { safeNext } from '@/lib/address';
import { readTheme } from '@/lib/theme';
import { AuthForm } from './auth-form';
import { Gate } from './gate';
import { TopBar } from './top-bar';

type Props = { mode: 'sign-in' | 'sign-up'; next?: string | string[]; expired?: string | string[] };

export const AuthPage = async ({ mode, next, expired }: Props) => (
  <>
    <TopBar user={null} theme={await readTheme()} />
    <main className="auth-page">
      <div className="auth-intro">
        <p className="auth-claim">Your tasks, typed or talked about.</p>
        <p>
          Keep a list as you always did, or say <q>I need to remember to pay bills</q> and watch it appear. Either
          way, it is one list, and only yours.
        </p>
      </div>
      <Gate>
        <AuthForm mode={mode} next={safeNext(next)} expired={expired !== undefined} />
      </Gate>
    </main>
  </>
);
