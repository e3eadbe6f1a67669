// Runs as a worker of the page `verify`: reads and verifies one bundle after the other.

import { canonical } from "./canonical.js";
import { examine } from "./verifier.js";

addEventListener("message", async ({ data: { file, asked } }) => {
  try {
    const { bundle, verdict } = await examine(new Uint8Array(await file.arrayBuffer()), asked);
    postMessage({ text: canonical(verdict.json), statement: bundle?.statement ?? null });
  } catch (fault) {
    postMessage({ fault: String(fault?.message) });
  }
});
