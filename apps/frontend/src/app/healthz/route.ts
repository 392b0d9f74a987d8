export const dynamic = 'force-dynamic';

/** Liveness and readiness of this process: the page needs nothing else to be served. */
export const GET = (): Response => Response.json({ status: 'ok' }, { headers: { 'cache-control': 'no-store' } });
