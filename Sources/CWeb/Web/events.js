// The events of one build, as fetch reads them: an EventSource sends no token.

import { Refused, withToken } from './access.js';

const longestPause = 15_000;
/// What may come again by itself: the service is busy, starting, or behind a proxy that has lost it.
const passing = new Set([429, 500, 502, 503, 504]);

/// Follows the events at an address to the `complete` one, over as many connections as it takes: each event once and in order.
///
/// Yields arrays of objects, one for each piece that arrives. Throws Refused where the service does not show the build.
export async function* follow(address, { signal, onConnection = () => {} } = {}) {
  let last = 0, failures = 0;
  for (;;) {
    try {
      const headers = withToken({ Accept: 'text/event-stream', ...(last > 0 && { 'Last-Event-ID': String(last) }) });
      const response = await fetch(address, { headers, signal, cache: 'no-store' });
      if (response.status === 204) return;
      if (!response.ok && !passing.has(response.status)) throw await Refused.from(response);
      if (response.ok) {
        onConnection(true);
        for await (const frames of pieces(response.body)) {
          failures = 0;
          const events = [];
          let isMissing = false;
          for (const { id, data } of frames) {
            if (id <= last) continue;
            isMissing = id !== last + 1;
            if (isMissing) break;
            events.push(JSON.parse(data));
            last = id;
          }
          if (events.length > 0) yield events;
          if (isMissing) throw new Error(`event ${last + 1} is missing`);
          if (events.at(-1)?.type === 'complete') return;
        }
      } else {
        await response.body?.cancel();
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof Refused) throw error;
    }
    onConnection(false);
    failures += 1;
    await pause(Math.min(longestPause, 250 * 2 ** failures), signal);
    if (signal?.aborted) return;
  }
}

/// The whole frames of each piece of a stream; comments are left out.
async function* pieces(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let parts = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      // What is put together is looked through once, however many pieces a long event comes in.
      const isEnd = value.includes('\n\n') || (value.startsWith('\n') && parts.at(-1)?.endsWith('\n'));
      parts.push(value);
      if (!isEnd) continue;
      const texts = parts.join('').split('\n\n');
      parts = [texts.pop()];
      const frames = texts.map(frame).filter(Boolean);
      if (frames.length > 0) yield frames;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function frame(text) {
  let id = 0, data = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('id: ')) id = Number(line.slice(4));
    else if (line.startsWith('data: ')) data = line.slice(6);
  }
  return data ? { id, data } : null;
}

/// Waits, but not longer than until the network is there again.
function pause(milliseconds, signal) {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener('online', end);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    addEventListener('online', end);
    signal?.addEventListener('abort', end);
  });
}
