/**
 * Reads server-sent events. Yields the data of every event that one network chunk completed,
 * together, so that a burst of deltas is drawn once. Ends at `[DONE]` or with the stream.
 */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string[]> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      // A line may end in CR LF, and the two may come in different chunks.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      const events: string[] = [];
      for (const line of lines) {
        if (line.startsWith('data:')) {
          data.push(line.slice(line[5] === ' ' ? 6 : 5));
        } else if (line === '' && data.length > 0) {
          const event = data.join('\n');
          data = [];
          if (event === '[DONE]') {
            if (events.length > 0) yield events;
            return;
          }
          events.push(event);
        }
      }
      if (events.length > 0) yield events;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
