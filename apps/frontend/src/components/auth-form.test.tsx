import { cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AuthForm } from './auth-form';

const fetchMock = vi.fn<typeof fetch>();
const assign = vi.fn();
const user = userEvent.setup();

const problem = (status: number, body: unknown): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json' } });
const email = (): HTMLElement => screen.getByLabelText('Email');
const password = (): HTMLElement => screen.getByLabelText('Password');
const submit = (name: string): Promise<void> => user.click(screen.getByRole('button', { name }));

beforeEach(() => {
  fetchMock.mockReset();
  assign.mockReset();
  vi.stubGlobal('fetch', fetchMock);
  vi.spyOn(location, 'assign').mockImplementation(assign);
});
afterEach(cleanup);

test('what is missing is said at its field, and the first such field is focused', async () => {
  render(<AuthForm mode="sign-up" next="/" expired={false} />);
  await user.type(password(), 'short');
  await submit('Create account');
  expect(document.activeElement).toBe(email());
  expect(email().getAttribute('aria-invalid')).toBe('true');
  expect(document.getElementById(email().getAttribute('aria-describedby') ?? '')?.textContent).toMatch(/name@example/);
  expect(screen.getByText('The password needs 5 more characters.')).toBeDefined();
  expect(fetchMock).not.toHaveBeenCalled();
});

test('the characters of a password are counted as the server does', async () => {
  render(<AuthForm mode="sign-up" next="/" expired={false} />);
  await user.type(password(), '🥛'.repeat(8));
  await submit('Create account');
  expect(screen.getByText('The password needs 2 more characters.')).toBeDefined();
});

test('signed in, it leads to where the reader wanted to go', async () => {
  fetchMock.mockResolvedValueOnce(Response.json({ user: { id: 'u', email: 'a@b.c', name: null } }));
  render(<AuthForm mode="sign-in" next="/account" expired={false} />);
  await user.type(email(), ' a@b.c');
  await user.type(password(), 'a secret of mine{Enter}');
  await vi.waitFor(() => expect(assign).toHaveBeenCalledWith('/account'));
  const [path, init] = fetchMock.mock.calls[0] ?? [];
  expect(path).toBe('/api/auth/login');
  expect(init?.body).toBe('{"email":"a@b.c","password":"a secret of mine"}');
});

test.each([
  ['sign-in', 'Sign in', 401, { detail: 'Unauthorized' }, 'Email and password do not match.'],
  ['sign-in', 'Sign in', 429, { detail: 'Too many sign-ins.' }, 'Too many sign-ins.'],
  ['sign-up', 'Create account', 422, { errors: [{ field: 'body.email', message: 'Taken.' }] }, 'Taken.'],
] as const)('%s refused with %s %d: the form says why and can be sent again', async (mode, button, status, body, said) => {
  fetchMock.mockResolvedValueOnce(problem(status, body));
  render(<AuthForm mode={mode} next="/" expired={false} />);
  await user.type(email(), 'a@b.c');
  await user.type(password(), 'a secret of mine');
  await submit(button);
  expect(await screen.findByText(said)).toBeDefined();
  expect(screen.getByRole<HTMLButtonElement>('button', { name: button }).disabled).toBe(false);
  expect(assign).not.toHaveBeenCalled();
});

test('a name that is refused is focused', async () => {
  fetchMock.mockResolvedValueOnce(problem(422, { errors: [{ field: 'body.name', message: 'Too long.' }] }));
  render(<AuthForm mode="sign-up" next="/" expired={false} />);
  await user.type(email(), 'a@b.c');
  await user.type(password(), 'a secret of mine');
  await submit('Create account');
  await screen.findByText('Too long.');
  expect(document.activeElement).toBe(screen.getByLabelText(/^Name/));
});

test('while it is sent its button keeps the focus, and sends nothing twice', async () => {
  fetchMock.mockReturnValue(new Promise(() => undefined));
  render(<AuthForm mode="sign-in" next="/" expired={false} />);
  await user.type(email(), 'a@b.c');
  await user.type(password(), 'a secret of mine');
  await submit('Sign in');
  const button = screen.getByRole<HTMLButtonElement>('button', { name: 'Signing in…' });
  expect([button.disabled, button.getAttribute('aria-disabled'), document.activeElement]).toEqual([false, 'true', button]);
  await submit('Signing in…');
  expect(fetchMock).toHaveBeenCalledTimes(1);
});

test('the password can be shown and hidden', async () => {
  render(<AuthForm mode="sign-in" next="/" expired />);
  expect(screen.getByRole('status').textContent).toMatch(/session is over/);
  expect(password().getAttribute('type')).toBe('password');
  await submit('Show password');
  expect(password().getAttribute('type')).toBe('text');
});

test('the way to the other form keeps where to go', () => {
  render(<AuthForm mode="sign-in" next="/?conversation=3" expired={false} />);
  expect(screen.getByRole('link', { name: 'Create an account' }).getAttribute('href')).toBe(
    '/sign-up?next=%2F%3Fconversation%3D3',
  );
});

test('an error that is not the service’s is said as well', async () => {
  vi.spyOn(console, 'error').mockReturnValue();
  fetchMock.mockResolvedValueOnce(new Response('<html>'));
  render(<AuthForm mode="sign-in" next="/" expired={false} />);
  await user.type(email(), 'a@b.c');
  await user.type(password(), 'a secret of mine{Enter}');
  expect((await screen.findByRole('alert')).textContent).toBe('Something went wrong on this page.');
});
