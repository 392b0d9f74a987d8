'use client';

import { useRef, useState, type SubmitEvent } from 'react';
import { deleteAccount, logout } from '@/lib/api';
import { tellTabs } from '@/lib/tabs';
import { useAction } from '@/lib/use-action';

const leave = (): void => {
  tellTabs('signed-out');
  location.assign('/sign-in');
};

export const SignOutEverywhere = () => {
  const { busy, problem, run } = useAction();
  const signOut = (): Promise<void> =>
    run(async () => {
      await logout({ everywhere: true });
      leave();
    });
  return (
    <section className="card" aria-labelledby="sessions-heading">
      <h2 id="sessions-heading">Sessions</h2>
      <p className="lead">Ends every session of yours, on this and every other device. Tokens stay valid.</p>
      {problem !== '' && (
        <p className="notice notice-error" role="alert">
          {problem}
        </p>
      )}
      <button type="button" className="button" aria-disabled={busy} onClick={() => void signOut()}>
        Sign out everywhere
      </button>
    </section>
  );
};

export const DeleteAccount = ({ email }: { email: string }) => {
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState('');
  const { busy, problem, setProblem, run } = useAction();

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (typed.trim().toLowerCase() !== email.toLowerCase()) {
      setProblem('This is not your email address.');
      return;
    }
    await run(async () => {
      await deleteAccount();
      leave();
    });
  };

  return (
    <section className="card" aria-labelledby="delete-heading">
      <h2 id="delete-heading">Delete account</h2>
      <p className="lead">Removes your account, tasks, conversations and tokens. This cannot be undone.</p>
      <button
        type="button"
        className="button button-danger"
        onClick={() => {
          setTyped('');
          setProblem('');
          dialog.current?.showModal();
        }}
      >
        Delete account
      </button>
      <dialog ref={dialog} aria-labelledby="delete-dialog-heading" className="dialog">
        <form onSubmit={(event) => void submit(event)}>
          <h2 id="delete-dialog-heading">Delete your account?</h2>
          <div className="field">
            <label htmlFor="delete-email">
              Type <strong>{email}</strong> to confirm
            </label>
            <input
              id="delete-email"
              autoComplete="off"
              value={typed}
              aria-invalid={problem !== ''}
              aria-describedby={problem === '' ? undefined : 'delete-problem'}
              onChange={(event) => setTyped(event.target.value)}
            />
            {problem !== '' && (
              <p id="delete-problem" className="field-error" role="alert">
                {problem}
              </p>
            )}
          </div>
          <div className="dialog-actions">
            <button type="button" className="button" onClick={() => dialog.current?.close()}>
              Keep it
            </button>
            <button type="submit" className="button button-danger" aria-disabled={busy}>
              Delete for good
            </button>
          </div>
        </form>
      </dialog>
    </section>
  );
};
