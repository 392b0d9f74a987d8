export const dynamic = 'force-dynamic';

/** Liveness of this process. Ready is what makes a page: readiness asks for /sign-in. */
export const GET = (): Response => Response.json({ status: 'ok' }, { headers: { 'cache-control': 'no-store' } });
