import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NextConfig } from 'next';

const root = import.meta.dirname;

/** Digest of what is built, so that the same sources give the same build. */
const sourceDigest = (): string => {
  const hash = createHash('sha256');
  const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of [join(root, 'package-lock.json'), ...files]) {
    hash.update(file.slice(root.length)).update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 20);
};

const developmentBackend = process.env.TODO_BACKEND_URL ?? 'http://localhost:8000';

const config: NextConfig = {
  output: 'standalone',
  outputFileTracingRoot: root,
  // The image optimizer (sharp) is half of the standalone output, and the page has no bitmaps.
  outputFileTracingExcludes: { '*': ['node_modules/sharp/**', 'node_modules/@img/**'] },
  images: { unoptimized: true },
  poweredByHeader: false,
  generateBuildId: sourceDigest,
  // What `src/proxy.ts` does not see: it makes the headers of pages.
  headers: () =>
    Promise.resolve(
      ['/_next/static/:path*', '/healthz'].map((source) => ({
        source,
        headers: [{ key: 'x-content-type-options', value: 'nosniff' }],
      })),
    ),
  // Behind the ingress, /api goes straight to the backend; only `npm run dev` has no ingress.
  rewrites: () =>
    Promise.resolve(
      process.env.NODE_ENV === 'development' ? [{ source: '/api/:path*', destination: `${developmentBackend}/api/:path*` }] : [],
    ),
  // `npm run typecheck` checks the types, tests included; an image need not be built twice as long.
  typescript: { ignoreBuildErrors: true },
};

export default config;
