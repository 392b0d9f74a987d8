import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { DeleteAccount, SignOutEverywhere } from '@/components/account/session-actions';
import { Tokens } from '@/components/account/tokens';
import { Gate } from '@/components/gate';
import { TopBar } from '@/components/top-bar';
import { signInAddress } from '@/lib/address';
import { readSession } from '@/lib/server';
import { readTheme } from '@/lib/theme';

export const metadata: Metadata = { title: 'Account' };

const AccountPage = async () => {
  const [session, theme] = await Promise.all([readSession(), readTheme()]);
  if (session.state === 'signed-out') redirect(signInAddress({ next: '/account', expired: session.expired }));
  if (session.state === 'unknown') throw new Error('The backend did not answer. Try again in a moment.');
  const { user } = session;
  return (
    <>
      <TopBar user={user} theme={theme} />
      <main className="account-page">
        <a href="/" className="back-link">
          Back to the tasks
        </a>
        <h1>Account</h1>
        <section className="card" aria-labelledby="profile-heading">
          <h2 id="profile-heading">Profile</h2>
          <dl className="profile">
            {user.name !== null && user.name !== '' && (
              <>
                <dt>Name</dt>
                <dd dir="auto">{user.name}</dd>
              </>
            )}
            <dt>Email</dt>
            <dd>{user.email}</dd>
          </dl>
        </section>
        <Gate>
          <Tokens />
          <SignOutEverywhere />
          <DeleteAccount email={user.email} />
        </Gate>
      </main>
    </>
  );
};

export default AccountPage;
