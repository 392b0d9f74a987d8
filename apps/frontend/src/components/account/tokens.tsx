'use client';

import { useEffect, useState, type SubmitEvent } from 'react';
import { flushSync } from 'react-dom';
import { ApiError, createToken, deleteToken, listTokens } from '@/lib/api';
import { focusFirst, focusInvalid } from '@/lib/focus';
import type { AccessToken } from '@/lib/types';
import { useAction } from '@/lib/use-action';
import { CopyButton } from '../copy-button';
import { Icon } from '../icons';

const lifetimes = [7, 30, 90, 365];

/** What an MCP client such as an editor or a desktop assistant takes as its configuration. */
const clientConfiguration = (origin: string, token: string): string =>
  JSON.stringify(
    { mcpServers: { todo: { type: 'http', url: `${origin}/mcp`, headers: { Authorization: `Bearer ${token}` } } } },
    null,
    2,
  );

const day = (at: string): string =>
  new Date(at).toLocaleDateString(undefined, { year: 'numeric', month: 'short', day: 'numeric' });

export const Tokens = () => {
  const [tokens, setTokens] = useState<AccessToken[] | null>(null);
  const [name, setName] = useState('');
  const [lifetime, setLifetime] = useState(90);
  const [made, setMade] = useState<string | null>(null);
  // Apart from what is pressed, which need not wait for the list.
  const reading = useAction();
  const { busy, problem, setProblem, run } = useAction();
  const [nameError, setNameError] = useState('');

  useEffect(() => {
    void reading.run(async () => setTokens(await listTokens()));
    // Once, when the page is there.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  const create = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const refuse = (why: string): void => {
      flushSync(() => setNameError(why));
      focusInvalid(form);
    };
    setProblem('');
    if (name.trim() === '') {
      refuse('Name it after what will use it.');
      return;
    }
    await run(async () => {
      try {
        const { token } = await createToken({ name: name.trim(), expires_in_days: lifetime });
        setMade(token);
        setName('');
      } catch (error) {
        if (!(error instanceof ApiError) || error.fields.name === undefined) throw error;
        refuse(error.fields.name);
        return;
      }
      setTokens(await listTokens());
    });
  };

  const revoke = (token: AccessToken): Promise<void> =>
    run(async () => {
      await deleteToken(token.id);
      const before = tokens ?? [];
      const index = before.indexOf(token);
      const left = before.filter((other) => other !== token);
      flushSync(() => setTokens(left));
      // The pressed button is gone with its token.
      const next = left[index] ?? left.at(-1);
      focusFirst(next === undefined ? null : `#revoke-${next.id}`, '#tokens-heading');
    });

  return (
    <section className="card" aria-labelledby="tokens-heading">
      <h2 id="tokens-heading" tabIndex={-1}>
        Access tokens
      </h2>
      <p className="lead">
        For your own scripts, and for MCP clients that work on your tasks. A token can do with your tasks what you can.
      </p>
      {(problem || reading.problem) !== '' && (
        <p className="notice notice-error" role="alert">
          {problem || reading.problem}
        </p>
      )}
      <form className="token-form" onSubmit={(event) => void create(event)}>
        <div className="field">
          <label htmlFor="token-name">Name</label>
          <input
            id="token-name"
            value={name}
            maxLength={100}
            autoComplete="off"
            placeholder="Laptop"
            aria-invalid={nameError !== ''}
            aria-describedby={nameError === '' ? undefined : 'token-name-error'}
            onChange={(event) => {
              setName(event.target.value);
              setNameError('');
            }}
          />
          {nameError !== '' && (
            <p id="token-name-error" className="field-error">
              {nameError}
            </p>
          )}
        </div>
        <div className="field">
          <label htmlFor="token-lifetime">Valid for</label>
          <select id="token-lifetime" value={lifetime} onChange={(event) => setLifetime(Number(event.target.value))}>
            {lifetimes.map((days) => (
              <option key={days} value={days}>
                {days} days
              </option>
            ))}
          </select>
        </div>
        <button type="submit" className="button button-primary" aria-disabled={busy}>
          Create token
        </button>
      </form>
      {made !== null && (
        <div className="token-made" role="status">
          <p>
            <strong>This is shown once.</strong> Copy it now; only its hash is kept.
          </p>
          <div className="code-line">
            <code>{made}</code>
            <CopyButton text={made} label="Copy token" />
          </div>
          <h3>Configuration of an MCP client</h3>
          <p className="field-hint">Works where this platform publishes its MCP server (setting mcp_public).</p>
          <div className="code-block">
            {/* The block scrolls, so it must be reachable by keyboard. */}
            {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
            <pre tabIndex={0}>{clientConfiguration(location.origin, made)}</pre>
            <CopyButton text={clientConfiguration(location.origin, made)} label="Copy configuration" />
          </div>
        </div>
      )}
      {tokens !== null && tokens.length > 0 && (
        <ul className="token-list">
          {tokens.map((token) => (
            <li key={token.id}>
              <span>
                <strong dir="auto">{token.name}</strong>
                <span className="field-hint">
                  Until {day(token.expires_at)}
                </span>
              </span>
              <button
                id={`revoke-${token.id}`}
                type="button"
                className="button button-quiet"
                aria-disabled={busy}
                aria-label={`Revoke ${token.name}`}
                onClick={() => void revoke(token)}
              >
                <Icon name="trash" />
                Revoke
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
};
