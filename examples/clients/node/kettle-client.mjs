#!/usr/bin/env node
// Builds on a Kettle service, follows the build over lost connections, and has `kettle verify` judge the bundle.
//
//     kettle-client.mjs [--api URL] [--ref REF] [--path FOLDER] [--visibility WHO] [-o FILE] [--kettle PROGRAM]
//                       [--patience SECONDS] SOURCE [-- OPTIONS OF kettle verify]
//
// SOURCE is a ZIP or tar.gz archive, or the URL of a git repository. The service is --api, else $KETTLE_API, else
// http://127.0.0.1:8080. The environment's KETTLE_TOKEN is the token, where the service wants one. Messages go to standard
// error, what was found to standard output. Exit status 0: accepted; 1: rejected, refused, or the project cannot be built;
// 2: not found out.
//
// For other programs there is `KettleClient`. Node.js 18 or newer; nothing but what is built in.

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, realpathSync } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

// A line, or an event, of a stream, in letters; the result of a build with thousands of inputs is one line.
const eventLimit = 32 << 20;
// The service sends a comment every 15 s, so silence for this long means that nobody is there.
const silence = 60_000;
// Answers of a proxy without its service, of a service that is about to stop, or that has too much to do.
const passing = new Set([429, 502, 503, 504]);
// Where `fetch` had a connection and lost it. Other codes (no such host, refused, a bad certificate) do not get better by waiting.
const lostCodes = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE", "UND_ERR_BODY_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "ERR_KETTLE_SILENCE"]);

/** Why there is no bundle. `status` is what a program exits with: 1 where somebody said no, 2 where nothing was found out. */
export class KettleError extends Error {
  constructor(message, { status = 2, hint, ...more } = {}) {
    super(message);
    Object.assign(this, { status, hint, ...more });
  }
}

/** The service answered, and not with what was asked for: a problem document (RFC 9457), mostly. */
export class Refused extends KettleError {
  constructor(code, problem) {
    const status = code === 429 || code < 400 || code >= 500 ? 2 : 1;
    super(`the service answers ${code}: ${problem.detail ?? "it does not say why"}`, { status, hint: problem.hint, code, problem });
  }
}

/** The build ended without a bundle; `result` says why. */
export class BuildFailed extends KettleError {
  constructor(result) {
    const isServices = ["CancelledError", "AttestationError", "InternalError"].includes(result.error_type);
    super(result.error ?? "the build failed", { status: isServices ? 2 : 1, hint: result.hint, result });
  }
}

/** A connection broke, or the service cannot answer now: to be tried again, after so many seconds at least. */
class Lost extends Error {
  constructor(message, after = 0) {
    super(message);
    this.after = after;
  }
}

/** Ends a request in which nothing moves. */
class Watch {
  #controller = new AbortController();
  #timer = setTimeout(() => {
    this.#controller.abort(Object.assign(new Error("nothing was heard for a minute"), { code: "ERR_KETTLE_SILENCE" }));
  }, silence);

  get signal() { return this.#controller.signal; }
  moved() { this.#timer.refresh(); }
  end() { clearTimeout(this.#timer); }
}

/** Waits longer from time to time, and not for ever: progress makes it young again. */
class Patience {
  #seconds; #since; #pause;

  constructor(seconds) {
    this.#seconds = seconds;
    this.progress();
  }

  progress() {
    this.#since = performance.now();
    this.#pause = 250;
  }

  async wait(lost) {
    const left = this.#since + this.#seconds * 1000 - performance.now();
    if (left <= 0) throw new KettleError(`the service does not come back: ${lost.message}`);
    await sleep(Math.min(left, Math.max(this.#pause, lost.after * 1000)));
    this.#pause = Math.min(this.#pause * 2, 8000);
  }
}

/** The lines of a stream of bytes. They end in LF, CR or CRLF, wherever the pieces are cut. */
async function* eventLines(pieces) {
  // Takes a byte order mark at the start away, as the standard wants it.
  const decoder = new TextDecoder();
  let line = "", isAfterCR = false;
  for await (const bytes of pieces) {
    let text = decoder.decode(bytes, { stream: true });
    if (text === "") continue;
    if (isAfterCR && text.startsWith("\n")) text = text.slice(1);
    isAfterCR = text.endsWith("\r");
    const [first, ...rest] = text.split(/\r\n|\r|\n/);
    line += first;
    for (const following of rest) {
      yield line;
      line = following;
    }
    if (line.length > eventLimit) throw new KettleError("the service sends a line without an end");
  }
}

/**
 * Id and data of each event, as the WHATWG's HTML standard reads a stream (section 9.2.6). An event counts when its blank line
 * is there: what a broken connection left behind is dropped.
 */
export async function* serverSentEvents(pieces) {
  let id = "", data = [], size = 0;
  for await (const line of eventLines(pieces)) {
    if (line === "") {
      if (data.length > 0) yield { id, data: data.join("\n") };
      data = [];
      size = 0;
      continue;
    }
    // A comment begins with the colon, and so has a field without a name.
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") {
      data.push(value);
      size += value.length;
      if (size > eventLimit) throw new KettleError("the service sends an event without an end");
    } else if (field === "id" && !value.includes("\0")) {
      id = value;
    }
  }
}

/**
 * One service.
 *
 *     const client = new KettleClient("https://kettle.example", { token: process.env.KETTLE_TOKEN });
 *     for await (const { data } of client.build({ archive: "source.zip", nonce })) console.log(data.message ?? "");
 *     await client.download(client.buildID, "bundle.zip", "bundle.zip");
 */
export class KettleClient {
  #base; #token; #patience;
  /** The build that is followed, as soon as the service has named it. */
  buildID;
  /** Called with a text when a connection was lost. */
  onLost = () => {};

  /** patience: for how many seconds a service that is gone is waited for, counted from the last event. */
  constructor(api = "http://127.0.0.1:8080", { token, patience = 300 } = {}) {
    let url;
    try { url = new URL(api); } catch { /* told below */ }
    if (!url || !["http:", "https:"].includes(url.protocol) || url.search || url.hash || url.username) {
      throw new KettleError(`"${api}" is not the address of a service`);
    }
    // Whoever is on the way could read the token and the source.
    if (url.protocol === "http:" && !["127.0.0.1", "[::1]", "localhost"].includes(url.hostname)) {
      throw new KettleError("http:// is for a service on this machine; use https://");
    }
    this.#base = url.origin + (url.pathname.replace(/\/+$/, "") || "/v1");
    this.#token = token;
    this.#patience = patience;
  }

  /**
   * Sends a source, and yields the events of its build, `{ number, data }`, each once and in order. The last one has the type
   * `complete`. Throws `BuildFailed` after it where the build failed.
   */
  async *build({ archive, repoURL, ref, path, nonce, visibility }) {
    const fields = Object.entries({ repo_url: repoURL, ref, path, nonce, visibility }).filter(([, value]) => value != null);
    const patience = new Patience(this.#patience);
    // The same in every try: a request that arrived although its answer did not is the same build then.
    const key = randomBytes(16).toString("hex");
    let response;
    for (let isFirst = true; !response; isFirst = false) {
      const form = new Form(fields, archive);
      try {
        response = await this.#request("/build/stream", {
          method: "POST", headers: { ...form.headers, "Idempotency-Key": key, Accept: "text/event-stream" }, form, isFirst });
      } catch (error) {
        await this.#again(error, patience);
      }
    }
    const location = response.headers.get("Location") ?? "";
    if (!/^\/v1\/builds\/[0-9a-f]{24,64}$/.test(location)) throw new KettleError("the service names no build");
    this.buildID = location.split("/").pop();
    yield* this.#follow(this.buildID, 0, response);
  }

  /** Yields the events of a build after the number `after`, as `build` does. */
  async *follow(buildID, after = 0) {
    this.buildID = buildID;
    yield* this.#follow(buildID, after);
  }

  async *#follow(buildID, last, response) {
    const patience = new Patience(this.#patience);
    while (true) {
      try {
        response ??= await this.#request(`/builds/${buildID}/events`, {
          headers: { Accept: "text/event-stream", "Last-Event-ID": String(last) } });
        for await (const { id, data: text } of serverSentEvents(pieces(response))) {
          const { number, data } = readEvent(id, text);
          if (number <= last) continue; // a stream may begin again from its start
          last = number;
          patience.progress();
          yield { number, data };
          if (data.type !== "complete") continue;
          if (data.result?.status !== "success") throw new BuildFailed(data.result ?? {});
          return;
        }
        throw new Lost("the stream ended before the build");
      } catch (error) {
        response = undefined;
        await this.#again(error, patience);
      }
    }
  }

  /**
   * Writes a file of a build (`bundle.zip`, `build.log`, `artifacts/NAME`) to `target`, which must not exist. The service names
   * the file's SHA-256 beforehand. This finds what was damaged on the way; who made it, `kettle verify` finds.
   */
  async download(buildID, name, target) {
    const path = `/builds/${buildID}/${name.split("/").map(encodeURIComponent).join("/")}`;
    const patience = new Patience(this.#patience);
    while (true) {
      try {
        const response = await this.#request(path);
        const expected = namedDigest(response);
        const actual = createHash("sha256");
        const hashed = async function* (parts) {
          for await (const part of parts) {
            actual.update(part);
            yield part;
          }
        };
        try {
          await pipeline(pieces(response), hashed, createWriteStream(target, { flags: "wx" }));
          if (actual.digest("hex") !== expected) throw new Lost(`${name} did not arrive whole`);
        } catch (error) {
          if (error.code !== "EEXIST") await rm(target, { force: true });
          throw error;
        }
        return;
      } catch (error) {
        await this.#again(error, patience);
      }
    }
  }

  /** Waits where something was lost; throws what is not cured by waiting. */
  async #again(error, patience) {
    if (!(error instanceof Lost)) throw error;
    this.onLost(error.message);
    await patience.wait(error);
  }

  /** A response with status 200, its body unread. */
  async #request(path, { method = "GET", headers = {}, form, isFirst = false } = {}) {
    if (this.#token) headers = { ...headers, Authorization: `Bearer ${this.#token}` };
    const watch = new Watch();
    let response, text;
    try {
      response = await fetch(this.#base + path, {
        method, headers, redirect: "manual", signal: watch.signal,
        // These two together have fetch send the body itself. Otherwise it sends a copy (Fetch standard,
        // "HTTP-network-or-cache fetch"), and what was sent stays in memory for the original.
        ...(form && { body: Readable.toWeb(Readable.from(form.pieces(watch))), duplex: "half", redirect: "error", window: null }),
      });
      watch.moved();
      if (response.status === 200) {
        response.watch = watch;
        return response;
      }
      text = await response.text();
      watch.end();
    } catch (error) {
      watch.end();
      // fetch says "fetch failed" of everything; why, its cause says.
      const { code, message } = error.cause ?? error;
      if (form?.error) throw form.error;
      if (isFirst && !lostCodes.has(code)) throw new KettleError(`no connection to ${new URL(this.#base).host}: ${message || code}`);
      throw new Lost(message || code);
    }
    // A source that is refused is refused; what belongs to a build that is under way is asked for again.
    if (passing.has(response.status) && method === "GET") {
      throw new Lost(`the service answers ${response.status}`, Math.min(60, Number(response.headers.get("Retry-After")) || 0));
    }
    if (response.status === 204) throw new KettleError("the build has ended, and its result is not among its events");
    let problem;
    try { problem = JSON.parse(text); } catch { /* it is in nobody's words then */ }
    throw new Refused(response.status, problem && typeof problem === "object" ? problem : {});
  }
}

/** A body of multipart/form-data (RFC 7578), read from the disk as it is sent. */
class Form {
  #boundary = randomBytes(16).toString("hex");
  #fields; #archive;
  /** Why the archive could not be read. */
  error;

  constructor(fields, archive) {
    this.#fields = fields;
    this.#archive = archive;
  }

  get headers() { return { "Content-Type": `multipart/form-data; boundary=${this.#boundary}` }; }

  async *pieces(watch) {
    const text = (value) => Buffer.from(value, "utf8");
    for (const [name, value] of this.#fields) {
      yield text(`--${this.#boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`);
    }
    if (this.#archive !== undefined) {
      // As browsers do.
      const name = basename(this.#archive).replace(/["\r\n]/g, (letter) => encodeURIComponent(letter));
      yield text(`--${this.#boundary}\r\nContent-Disposition: form-data; name="source"; filename="${name}"\r\n`
        + "Content-Type: application/octet-stream\r\n\r\n");
      try {
        for await (const piece of createReadStream(this.#archive)) {
          watch.moved();
          yield piece;
        }
      } catch (error) {
        this.error = error;
        throw error;
      }
      yield text("\r\n");
    }
    yield text(`--${this.#boundary}--\r\n`);
  }
}

async function* pieces(response) {
  try {
    for await (const piece of response.body) {
      response.watch.moved();
      yield piece;
    }
  } catch (error) {
    const { code, message } = error.cause ?? error;
    throw new Lost(message || code);
  } finally {
    response.watch.end();
  }
}

function readEvent(id, text) {
  try {
    const data = JSON.parse(text);
    if (/^[0-9]+$/.test(id) && data && typeof data === "object") return { number: Number(id), data };
  } catch { /* told below */ }
  throw new KettleError("the service sends an event that is none of Kettle's");
}

/** The SHA-256 of a file by Repr-Digest (RFC 9530), or by the strong ETag, which is the same in hexadecimal digits. */
function namedDigest(response) {
  const digest = /\bsha-256=:([A-Za-z0-9+/=]+):/.exec(response.headers.get("Repr-Digest") ?? "");
  if (digest) return Buffer.from(digest[1], "base64").toString("hex");
  const tag = /^"([0-9a-f]{64})"$/.exec(response.headers.get("ETag") ?? "");
  if (tag) return tag[1];
  throw new KettleError("the service does not name the digest of a file");
}

/**
 * The verdict of `kettle verify` (docs/schemas/verdict-v1.json). `archive` or `source` is what was sent: evidence says that a
 * statement is genuine; that it is about our source is for us to ask.
 */
export async function verify(kettle, bundle, nonce, { options = [], archive, source } = {}) {
  const asked = ["verify", resolve(bundle), "--json", "--nonce", nonce, ...(source ? ["--source", source] : []), ...options];
  const chunks = [];
  let verdict;
  try {
    const program = spawn(kettle, asked, { stdio: ["ignore", "pipe", "inherit"] });
    const started = new Promise((done, failed) => program.once("spawn", done).once("error", failed));
    await started;
    for await (const chunk of program.stdout) chunks.push(chunk);
    verdict = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    throw new KettleError(`${kettle} verify says nothing: ${error.message}`);
  }
  if (verdict.outcome === "accepted" && archive) {
    const built = verdict.provenance.predicate.buildDefinition.resolvedDependencies[0].digest.sha256;
    if (built !== archive) {
      verdict.outcome = "rejected";
      verdict.findings.push({
        status: "failed", message: "the statement's source is not the archive that was sent", expected: archive, actual: built ?? "no archive" });
    }
  }
  return verdict;
}

async function sha256Of(path) {
  const digest = createHash("sha256");
  for await (const piece of createReadStream(path)) digest.update(piece);
  return digest.digest("hex");
}

/** A stranger's text for a terminal, which would obey control characters. */
const printable = (text) => String(text).replace(/[^\P{C}\t]/gu, "\u{FFFD}");

const say = (text) => process.stderr.write(text + "\n");

async function submit(wanted, source, options) {
  if (existsSync(wanted.output)) throw new KettleError(`${wanted.output} exists`);
  const patience = Number(wanted.patience);
  if (!(patience >= 0)) throw new KettleError("--patience wants a number of seconds");
  const client = new KettleClient(wanted.api, { token: process.env.KETTLE_TOKEN, patience });
  client.onLost = (why) => say(`kettle-client: ${printable(why)}; trying again`);
  const nonce = randomBytes(16).toString("hex"); // fresh: an old bundle cannot be the answer
  const asked = { path: wanted.path, visibility: wanted.visibility, nonce };
  let held;
  if (source.includes("://")) {
    Object.assign(asked, { repoURL: source, ref: wanted.ref });
    held = { source: `git+${source}${wanted.ref ? `@${wanted.ref}` : ""}` };
  } else {
    if (!(await stat(source)).isFile()) throw new KettleError(`${source} is not a file`);
    asked.archive = source;
    held = { archive: await sha256Of(source) };
  }
  for await (const { data } of client.build(asked)) {
    if (data.message !== undefined) say(printable(data.message));
  }

  const part = `${wanted.output}.${randomBytes(4).toString("hex")}.part`;
  await client.download(client.buildID, "bundle.zip", part);
  let verdict;
  try {
    verdict = await verify(wanted.kettle, part, nonce, { options, ...held });
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  const place = wanted.output + (verdict.outcome === "rejected" ? ".rejected" : "");
  await rename(part, place);
  for (const finding of verdict.findings) {
    if (finding.status !== "failed" && finding.status !== "undetermined") continue;
    console.log(`${finding.status}: ${printable(finding.message)}`);
    for (const key of ["expected", "actual"]) {
      if (key in finding) console.log(`    ${key}: ${printable(finding[key])}`);
    }
  }
  console.log(`${verdict.outcome}: ${place}`);
  return { accepted: 0, rejected: 1 }[verdict.outcome] ?? 2;
}

async function main(all) {
  const cut = all.indexOf("--");
  const [args, options] = cut < 0 ? [all, []] : [all.slice(0, cut), all.slice(cut + 1)];
  try {
    const { values, positionals } = parseArgs({
      args, allowPositionals: true, options: {
        api: { type: "string" }, ref: { type: "string" }, path: { type: "string" }, visibility: { type: "string" },
        output: { type: "string", short: "o" }, kettle: { type: "string" }, patience: { type: "string" },
      } });
    if (positionals.length !== 1) throw new KettleError("name one archive or URL");
    const preset = { api: process.env.KETTLE_API || "http://127.0.0.1:8080", output: "bundle.zip", kettle: "kettle", patience: "300" };
    return await submit({ ...preset, ...values }, positionals[0], options);
  } catch (error) {
    say(`kettle-client: error: ${printable(error.message)}`);
    if (error.hint) say(`kettle-client: hint: ${printable(error.hint)}`);
    return error.status ?? 2;
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2));
}
