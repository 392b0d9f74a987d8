import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DeleteAccount, SignOutEverywhere } from './session-actions';
import { Tokens } from './tokens';

const fetchMock = vi.fn<typeof fetch>();
const assign = vi.fn();

const refusal = (status: number): Response => new Response('', { status });
const listed = (...names: string[]): Response =>
  Response.json({ items: names.map((name, id) => ({ id, name, created_at: '2026-11-23T09:00:00Z', expires_at: '2026-12-23T09:00:00Z' })) });
const press = (name: string): boolean => fireEvent.click(screen.getByRole('button', { name }));
const methods = (): (string | undefined)[] => fetchMock.mock.calls.map(([, init]) => init?.method);

beforeEach(() => {
  vi.resetAllMocks();
  vi.stubGlobal('fetch', fetchMock);
  vi.spyOn(location, 'assign').mockImplementation(assign);
});
afterEach(cleanup);

const renderTokens = async (...names: string[]): Promise<void> => {
  fetchMock.mockResolvedValueOnce(listed(...names));
  render(<Tokens />);
  await screen.findByRole('button', { name: `Revoke ${names[0] ?? ''}` });
};

test('a token is made once, however often that is pressed', async () => {
  await renderTokens('Old');
  fetchMock.mockReturnValueOnce(new Promise(() => undefined));
  fireEvent.change(screen.getByLabelText('Name'), { target: { value: 'Laptop' } });
  press('Create token');
  press('Create token');
  expect(methods()).toEqual([undefined, 'POST']);
});

test('a token can be made while the list of them is still being read', () => {
  fetchMock.mockReturnValue(new Promise(() => undefined));
  render(<Tokens />);
  fireEvent.change(screen.getByLabelText('Name'), { target: { value: 'Laptop' } });
  press('Create token');
  expect(methods()).toEqual([undefined, 'POST']);
});

test('a name that is missing or refused is said at its field, which is focused', async () => {
  await renderTokens('Old');
  const name = screen.getByLabelText('Name');
  const said = (): string | null | undefined => document.getElementById(name.getAttribute('aria-describedby') ?? '')?.textContent;
  press('Create token');
  expect(document.activeElement).toBe(name);
  expect(said()).toBe('Name it after what will use it.');
  const body = { errors: [{ field: 'name', message: 'Taken.' }] };
  fetchMock.mockResolvedValueOnce(Response.json(body, { status: 422 }));
  fireEvent.change(name, { target: { value: 'Laptop' } });
  screen.getByRole('button', { name: 'Create token' }).focus();
  press('Create token');
  await vi.waitFor(() => expect(said()).toBe('Taken.'));
  expect(document.activeElement).toBe(name);
});

test('a token revoked, the focus goes to the next, and after the last to the heading', async () => {
  await renderTokens('One', 'Two');
  fetchMock.mockImplementation(() => Promise.resolve(refusal(204)));
  press('Revoke One');
  const two = screen.getByRole('button', { name: 'Revoke Two' });
  await vi.waitFor(() => expect(document.activeElement).toBe(two));
  press('Revoke Two');
  await vi.waitFor(() => expect(document.activeElement).toBe(screen.getByRole('heading', { name: 'Access tokens' })));
  expect(screen.queryByRole('button', { name: /Revoke/ })).toBeNull();
});

test('an account is deleted once, however often that is pressed', () => {
  fetchMock.mockReturnValue(new Promise(() => undefined));
  render(<DeleteAccount email="a@b.c" />);
  press('Delete account');
  fireEvent.change(screen.getByRole('textbox'), { target: { value: 'a@b.c' } });
  press('Delete for good');
  press('Delete for good');
  expect(methods()).toEqual(['DELETE']);
});

test('a session that is over leads to sign-in and back', async () => {
  fetchMock.mockResolvedValueOnce(refusal(401));
  render(<SignOutEverywhere />);
  press('Sign out everywhere');
  await vi.waitFor(() => expect(assign).toHaveBeenCalledWith(expect.stringMatching(/^\/sign-in\?expired=1/)));
});

test('what fails otherwise is said, and can be tried again', async () => {
  fetchMock.mockResolvedValueOnce(refusal(503)).mockResolvedValueOnce(refusal(204));
  render(<SignOutEverywhere />);
  press('Sign out everywhere');
  expect((await screen.findByRole('alert')).textContent).toBe('The service is not ready yet.');
  press('Sign out everywhere');
  await vi.waitFor(() => expect(assign).toHaveBeenCalledWith('/sign-in'));
});
