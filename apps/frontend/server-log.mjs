/**
 * Turns everything the server prints into one JSON object a line, and logs each request.
 * Loaded with `node --import ./server-log.mjs server.js`, before Next prints its first word.
 */
import { subscribe } from 'node:diagnostics_channel';
import { format, stripVTControlCharacters } from 'node:util';

/** @type {(stream: NodeJS.WriteStream, level: string, fields: Record<string, unknown>) => void} */
const write = (stream, level, fields) => {
  stream.write(`${JSON.stringify({ time: new Date().toISOString(), level, service: 'frontend', ...fields })}\n`);
};

for (const [method, level] of Object.entries({
  debug: 'debug',
  log: 'info',
  info: 'info',
  warn: 'warning',
  error: 'error',
})) {
  console[method] = (...values) => {
    const message = stripVTControlCharacters(format(...values)).trim();
    if (message === '') return;
    // Next's request error hook (src/instrumentation.ts) hands over a finished object.
    const fields = values.length === 1 && values[0]?.logFields ? values[0].logFields : { message };
    write(level === 'error' ? process.stderr : process.stdout, level, fields);
  };
}

const started = new WeakMap();
subscribe('http.server.request.start', ({ request }) => started.set(request, performance.now()));
subscribe('http.server.response.finish', ({ request, response }) => {
  const path = request.url.split('?', 1)[0];
  // Probes and hashed files would drown the rest.
  const probe = request.headers['user-agent']?.startsWith('kube-probe/') ?? false;
  if (probe || path === '/healthz' || path.startsWith('/_next/static/')) return;
  write(process.stdout, 'info', {
    message: 'request',
    method: request.method,
    path,
    status: response.statusCode,
    duration_ms: Math.round((performance.now() - (started.get(request) ?? performance.now())) * 10) / 10,
  });
});
