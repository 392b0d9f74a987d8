/**
 * Prints the gzipped JavaScript that a page loads, ours and the framework's apart, from a running
 * server: node tools/budget.mjs [URL of a page]. Ours is what an empty page would not load.
 */
import { gzipSync } from 'node:zlib';

const url = new URL(process.argv[2] ?? 'http://localhost:8080/sign-in');
const response = await fetch(url, { headers: process.env.COOKIE ? { cookie: process.env.COOKIE } : {} });
const html = await response.text();
// Browsers with modules skip the polyfills.
const sources = [...html.matchAll(/<script\b[^>]*?\bsrc="([^"]+)"[^>]*>/g)]
  .filter(([tag]) => !tag.includes('noModule'))
  .map(([, source]) => source);
const inFlight = [...html.matchAll(/static\/chunks\/[\w.~-]+\.js/g)].map(([path]) => `/_next/${path}`);

let total = 0;
const polyfills = new Set([...html.matchAll(/src="([^"]+)" noModule/g)].map(([, source]) => source));
for (const source of new Set([...sources, ...inFlight])) {
  if (polyfills.has(source)) continue;
  const body = Buffer.from(await (await fetch(new URL(source, url))).arrayBuffer());
  const size = gzipSync(body, { level: 9 }).length;
  total += size;
  console.log(`${(size / 1000).toFixed(1).padStart(7)} KB  ${source}`);
}
console.log(`${(total / 1000).toFixed(1).padStart(7)} KB  in all, at ${response.url}`);
