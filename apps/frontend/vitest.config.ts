import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  // "react-jsx" as in tsconfig.json, which leaves JSX to Next.
  oxc: { jsx: { runtime: 'automatic' } },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    // Generous: the machine may be building images at the same time.
    testTimeout: 30_000,
    restoreMocks: true,
    unstubGlobals: true,
  },
});
