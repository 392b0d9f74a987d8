import type { Instrumentation } from 'next';

/** Logs a failed server render with its digest, the number the error page shows. */
export const onRequestError: Instrumentation.onRequestError = (error, request, context) => {
  const { message, digest, stack } = error as Error & { digest?: string };
  console.error({
    logFields: { message, digest, stack, method: request.method, path: request.path, route: context.routePath },
  });
};
