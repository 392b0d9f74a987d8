import { expect, test } from 'vitest';
import { safeNext, signInAddress } from './address';

test.each([
  ['/account', '/account'],
  ['/?conversation=3', '/?conversation=3'],
  [['/account', '/other'], '/account'],
  [undefined, '/'],
  ['', '/'],
])('%o is a way on this site', (next, expected) => expect(safeNext(next)).toBe(expected));

test.each([
  'https://evil.example/',
  '//evil.example/',
  '/\\evil.example/',
  '/\t/evil.example/',
  '/\n/evil.example/',
  '\t//evil.example/',
  '/.//evil.example/',
  'javascript:alert(1)',
  'http://[',
])('%j leads nowhere else', (next) => {
  expect(new URL(safeNext(next), 'http://localhost').origin).toBe('http://localhost');
  expect(safeNext(next)).toBe('/');
});

test.each([
  ['/', false, '/sign-in'],
  ['/', true, '/sign-in?expired=1'],
  ['/?conversation=3', true, '/sign-in?expired=1&next=%2F%3Fconversation%3D3'],
  ['/account', false, '/sign-in?next=%2Faccount'],
])('the way to sign-in from %s, expired %s, leads back', (next, expired, address) => {
  expect(signInAddress({ next, expired })).toBe(address);
});
