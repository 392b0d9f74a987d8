// @vitest-environment node
import { NextRequest } from 'next/server';
import { expect, test } from 'vitest';
import { proxy } from './proxy';

const policyOf = (): string => proxy(new NextRequest('http://localhost/')).headers.get('content-security-policy') ?? '';

test('the policy allows no inline code and no foreign source', () => {
  const policy = policyOf();
  expect(policy).not.toMatch(/unsafe-inline|unsafe-eval|https?:|\*/);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
});

test('no two pages share a nonce', () => {
  const nonces = Array.from({ length: 50 }, () => /'nonce-([^']+)'/.exec(policyOf())?.[1]);
  expect(new Set(nonces).size).toBe(50);
});
