// @vitest-environment node
import { NextRequest } from 'next/server';
import { expect, test } from 'vitest';
import nextConfig from '../next.config';
import { config, proxy } from './proxy';

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

test.each(['/', '/sign-in', '/icon.svg', '/_next/static/chunks/main.js', '/healthz'])(
  'the type of %s is never guessed',
  async (path) => {
    const isPage = config.matcher.some((pattern) => new RegExp(`^${pattern}$`).test(path));
    const rules = (await nextConfig.headers?.()) ?? [];
    const rule = rules.find(({ source }) => new RegExp(`^${source.replace(':path*', '.*')}$`).test(path));
    const found = isPage
      ? proxy(new NextRequest(`http://localhost${path}`)).headers.get('x-content-type-options')
      : rule?.headers.find(({ key }) => key === 'x-content-type-options')?.value;
    expect(found).toBe('nosniff');
  },
);
