'use client';

import { useCallback, useEffect, useRef } from 'react';
import { ApiError } from './api';
import { inParallel } from './in-parallel';
import type { Toast } from './use-toasts';

type Options<Item> = {
  deleteOne: (id: number, init?: { keepalive: boolean }) => Promise<void>;
  hide: (ids: number[]) => void;
  /** Shows again what was hidden: it stays after all. */
  unhide: (ids: number[]) => void;
  /** The server has deleted it. */
  onDeleted?: (id: number) => void;
  /** `again` asks the server once more for those that failed, of so many that it was asked for. */
  onFailed: (failure: { failed: [Item, ...Item[]]; asked: number; error: unknown; again: () => void }) => void;
  /** The server was asked for all of them, whatever it answered. */
  onSettled?: () => void;
  /** Answers what takes the toast away again. */
  showToast: (toast: Omit<Toast, 'id'>) => () => void;
};

export type HeldDeletes<Item> = {
  /** Hides them and offers an undo, under this text. */
  hold: (items: Item[], toast: Pick<Toast, 'text' | 'takesFocus' | 'near'>, onUndo?: () => void) => void;
  /** Deletes at once what waits for its undo, which goes; throws where that fails. */
  finish: () => Promise<void>;
};

/** Deletes that the page shows at once; the server follows when no undo is offered any more. */
export const useHeldDeletes = <Item extends { id: number }>(options: Options<Item>): HeldDeletes<Item> => {
  const held = useRef(new Map<number, { item: Item; closeUndo: () => void }>());
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });

  const keep = useCallback((items: Item[], closeUndo: () => void): void => {
    for (const item of items) held.current.set(item.id, { item, closeUndo });
    latest.current.hide(items.map(({ id }) => id));
  }, []);

  const giveBack = useCallback((items: Item[]): void => {
    const ids = items.map(({ id }) => id);
    for (const id of ids) held.current.delete(id);
    latest.current.unhide(ids);
  }, []);

  /** Deletes those that are still held; shows again what could not be deleted. */
  const send = useCallback(
    async (items: Item[]): Promise<{ failed: Item[]; error: unknown }> => {
      const outcome = await inParallel(items, {
        act: async ({ id }) => {
          if (!held.current.delete(id)) return;
          try {
            await latest.current.deleteOne(id);
          } catch (error) {
            // Where it is gone already, that is what was wanted.
            if (!(error instanceof ApiError) || error.status !== 404) throw error;
          }
          latest.current.onDeleted?.(id);
        },
      });
      giveBack(outcome.failed);
      latest.current.onSettled?.();
      return outcome;
    },
    [giveBack],
  );

  const deleteNow = useCallback(
    async function deleteNow(items: Item[]): Promise<void> {
      const {
        failed: [first, ...others],
        error,
      } = await send(items);
      if (first === undefined) return;
      const again = (): void => {
        keep([first, ...others], () => undefined);
        void deleteNow([first, ...others]);
      };
      latest.current.onFailed({ failed: [first, ...others], asked: items.length, error, again });
    },
    [keep, send],
  );

  const hold = useCallback<HeldDeletes<Item>['hold']>(
    (items, toast, onUndo) => {
      const undo = (): void => {
        giveBack(items);
        onUndo?.();
      };
      const closeUndo = latest.current.showToast({
        ...toast,
        tone: 'info',
        action: { label: 'Undo', run: undo },
        onExpire: () => void deleteNow(items),
      });
      keep(items, closeUndo);
    },
    [keep, giveBack, deleteNow],
  );

  const finish = useCallback(async (): Promise<void> => {
    const waiting = [...held.current.values()];
    if (waiting.length === 0) return;
    for (const { closeUndo } of waiting) closeUndo();
    const { failed, error } = await send(waiting.map(({ item }) => item));
    if (failed.length > 0) throw error;
  }, [send]);

  useEffect(() => {
    // A page that is left has no later moment to delete them.
    const onLeave = (): void => {
      for (const id of held.current.keys()) void latest.current.deleteOne(id, { keepalive: true }).catch(() => undefined);
      held.current.clear();
    };
    window.addEventListener('pagehide', onLeave);
    return () => window.removeEventListener('pagehide', onLeave);
  }, []);

  return { hold, finish };
};
