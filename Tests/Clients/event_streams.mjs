// The Node.js client's reader of event streams, with the streams of event_streams.json, whole and in pieces of every size.

import { deepEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";

import { serverSentEvents } from "../../examples/clients/node/kettle-client.mjs";

for (const { stream, events } of JSON.parse(readFileSync(new URL("event_streams.json", import.meta.url)))) {
  const bytes = Buffer.from(stream);
  for (let size = 1; size <= bytes.length + 1; size += 1) {
    const pieces = (async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })();
    const read = [];
    for await (const { id, data } of serverSentEvents(pieces)) read.push([id, data]);
    deepEqual(read, events, `${JSON.stringify(stream)} in pieces of ${size}`);
  }
}
