import { expect, test } from 'vitest';
import { readEvents } from './sse';

const streamOf = (chunks: Uint8Array[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start: (controller) => {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });

const read = async (...chunks: (string | Uint8Array)[]): Promise<string[][]> => {
  const encoder = new TextEncoder();
  const bytes = chunks.map((chunk) => (typeof chunk === 'string' ? encoder.encode(chunk) : chunk));
  const chunksOfEvents: string[][] = [];
  for await (const events of readEvents(streamOf(bytes))) chunksOfEvents.push(events);
  return chunksOfEvents;
};

test('events of one chunk come together', async () => {
  expect(await read('data: a\n\ndata: b\n\n', 'data: c\n\n')).toEqual([['a', 'b'], ['c']]);
});

test('every split of a stream gives the same events', async () => {
  const bytes = new TextEncoder().encode('data: {"x":"é"}\r\n\r\n: comment\r\ndata:two\r\ndata: lines\r\n\r\ndata: [DONE]\r\n\r\n');
  for (let at = 1; at < bytes.length; at += 1) {
    expect((await read(bytes.slice(0, at), bytes.slice(at))).flat()).toEqual(['{"x":"é"}', 'two\nlines']);
  }
});

test('nothing after [DONE] is read, and an unfinished event is none', async () => {
  expect(await read('data: a\n\ndata: [DONE]\n\ndata: b\n\n')).toEqual([['a']]);
  expect(await read('data: a\n\ndata: cut')).toEqual([['a']]);
});
