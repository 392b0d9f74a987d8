import { ApiError } from './api';

/** For many things at once: quick, without keeping everybody else waiting. */
const parallelRequests = 4;

/** True of an error that the next request would meet, too. */
const stopsOthers = (error: unknown): boolean => error instanceof ApiError && error.stopsOthers;

/**
 * Runs `act` for each item, at most `limit` at once. Answers with the items that failed or, after an
 * error that `stops` says would meet the others too, were not tried; and with the last error. What is
 * left out is as requests to the server want it.
 */
export const inParallel = async <T>(
  items: readonly T[],
  {
    act,
    limit = parallelRequests,
    stops = stopsOthers,
  }: { act: (item: T) => Promise<void>; limit?: number; stops?: (error: unknown) => boolean },
): Promise<{ failed: T[]; error: unknown }> => {
  const waiting = [...items];
  const failed: T[] = [];
  let last: unknown = null;
  const work = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      try {
        await act(item);
      } catch (error) {
        last = error;
        failed.push(item);
        if (stops(error)) failed.push(...waiting.splice(0));
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  return { failed, error: last };
};
