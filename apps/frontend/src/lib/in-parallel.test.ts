import { expect, test } from 'vitest';
import { inParallel } from './in-parallel';

const items = [1, 2, 3, 4, 5, 6, 7, 8, 9];

test('no more than the limit run at once, and each runs once', async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  const act = async (item: number): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
    done.push(item);
  };
  expect(await inParallel(items, { limit: 4, act, stops: () => true })).toEqual({ failed: [], error: null });
  expect(most).toBe(4);
  expect(done).toEqual(items);
});

test('an error of one item leaves the others be; one that would meet them all ends it', async () => {
  const tried: number[] = [];
  const act = (item: number): Promise<void> => {
    tried.push(item);
    return item === 2 || item === 5 ? Promise.reject(new Error(String(item))) : Promise.resolve();
  };
  const { failed, error } = await inParallel(items, { limit: 1, act, stops: (met) => (met as Error).message === '5' });
  expect(tried).toEqual([1, 2, 3, 4, 5]);
  expect(failed).toEqual([2, 5, 6, 7, 8, 9]);
  expect(error).toEqual(new Error('5'));
});
