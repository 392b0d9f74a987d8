'use client';

import { useId, useState, type SubmitEvent } from 'react';
import { flushSync } from 'react-dom';
import { ApiError, login, messageOf, register } from '@/lib/api';
import { focusInvalid } from '@/lib/focus';
import { lengthOf } from '@/lib/length';

type Props = { mode: 'sign-in' | 'sign-up'; next: string; expired: boolean };

const minPassword = 10;
const maxPassword = 128;

const words = {
  'sign-in': {
    heading: 'Sign in',
    submit: 'Sign in',
    busy: 'Signing in…',
    other: 'New here?',
    otherLink: 'Create an account',
    otherHref: '/sign-up',
  },
  'sign-up': {
    heading: 'Create your account',
    submit: 'Create account',
    busy: 'Creating…',
    other: 'Have an account?',
    otherLink: 'Sign in',
    otherHref: '/sign-in',
  },
};

const validate = (mode: Props['mode'], email: string, password: string): Record<string, string> => {
  const errors: Record<string, string> = {};
  const length = lengthOf(password);
  if (!/^\S+@\S+\.\S+$/.test(email.trim())) errors.email = 'Enter an address like name@example.org.';
  if (password === '') errors.password = 'Enter your password.';
  else if (mode === 'sign-up' && length < minPassword)
    errors.password = `The password needs ${minPassword - length} more characters.`;
  else if (length > maxPassword) errors.password = `At most ${maxPassword} characters.`;
  return errors;
};

export const AuthForm = ({ mode, next, expired }: Props) => {
  const id = useId();
  const word = words[mode];
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [visible, setVisible] = useState(false);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);

  const submit = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    const form = event.currentTarget;
    const showErrors = (found: Record<string, string>): void => {
      flushSync(() => setErrors(found));
      focusInvalid(form);
    };
    setProblem('');
    const found = validate(mode, email, password);
    showErrors(found);
    if (Object.keys(found).length > 0) return;
    setBusy(true);
    try {
      const credentials = { email: email.trim(), password };
      if (mode === 'sign-in') await login(credentials);
      else await register(name.trim() === '' ? credentials : { ...credentials, name: name.trim() });
      // A full load: the server draws the first page with the new session.
      location.assign(next);
    } catch (error) {
      setBusy(false);
      const { status, fields } = error instanceof ApiError ? error : { status: null, fields: {} };
      if (Object.keys(fields).length > 0) showErrors(fields);
      else setProblem(mode === 'sign-in' && status === 401 ? 'Email and password do not match.' : messageOf(error));
    }
  };

  const describe = (field: string, ...others: string[]): string | undefined =>
    [errors[field] === undefined ? '' : `${id}-${field}-error`, ...others].filter(Boolean).join(' ') || undefined;

  return (
    <form className="card auth-form" method="post" onSubmit={(event) => void submit(event)} noValidate aria-busy={busy}>
      <h1>{word.heading}</h1>
      {expired && (
        <p className="notice" role="status">
          Your session is over. Sign in to go on where you were; what you typed is kept.
        </p>
      )}
      {problem !== '' && (
        <p className="notice notice-error" role="alert">
          {problem}
        </p>
      )}
      {mode === 'sign-up' && (
        <div className="field">
          <label htmlFor={`${id}-name`}>
            Name <span className="optional">(optional)</span>
          </label>
          <input
            id={`${id}-name`}
            name="name"
            dir="auto"
            autoComplete="name"
            value={name}
            aria-invalid={errors.name !== undefined}
            aria-describedby={describe('name')}
            onChange={(event) => setName(event.target.value)}
          />
          {errors.name !== undefined && (
            <p id={`${id}-name-error`} className="field-error">
              {errors.name}
            </p>
          )}
        </div>
      )}
      <div className="field">
        <label htmlFor={`${id}-email`}>Email</label>
        <input
          id={`${id}-email`}
          name="email"
          type="email"
          autoComplete="username"
          required
          value={email}
          aria-invalid={errors.email !== undefined}
          aria-describedby={describe('email')}
          onChange={(event) => setEmail(event.target.value)}
        />
        {errors.email !== undefined && (
          <p id={`${id}-email-error`} className="field-error">
            {errors.email}
          </p>
        )}
      </div>
      <div className="field">
        <label htmlFor={`${id}-password`}>Password</label>
        <div className="password-field">
          <input
            id={`${id}-password`}
            name="password"
            type={visible ? 'text' : 'password'}
            autoComplete={mode === 'sign-in' ? 'current-password' : 'new-password'}
            required
            value={password}
            aria-invalid={errors.password !== undefined}
            aria-describedby={describe('password', mode === 'sign-up' ? `${id}-rules` : '')}
            onChange={(event) => setPassword(event.target.value)}
          />
          <button
            type="button"
            className="button button-quiet"
            aria-pressed={visible}
            aria-label="Show password"
            onClick={() => setVisible(!visible)}
          >
            {visible ? 'Hide' : 'Show'}
          </button>
        </div>
        {errors.password !== undefined && (
          <p id={`${id}-password-error`} className="field-error">
            {errors.password}
          </p>
        )}
        {mode === 'sign-up' && (
          <p id={`${id}-rules`} className="field-hint" data-met={lengthOf(password) >= minPassword || undefined}>
            {minPassword} to {maxPassword} characters. A few words in a row are easy to keep in mind and hard to guess.
          </p>
        )}
      </div>
      <button type="submit" className="button button-primary button-wide" aria-disabled={busy}>
        {busy ? word.busy : word.submit}
      </button>
      <p className="auth-other">
        {word.other}{' '}
        <a href={next === '/' ? word.otherHref : `${word.otherHref}?next=${encodeURIComponent(next)}`}>
          {word.otherLink}
        </a>
      </p>
    </form>
  );
};
