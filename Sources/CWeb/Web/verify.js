// The page on which a bundle is checked. Nothing leaves the browser unless the person presses the button that says so, and whatever a
// bundle says is shown as text.

import { ask } from "./access.js";
import { fromHex } from "./bytes.js";
import { memoryLimit, tooLarge } from "./bundle.js";
import { canonical } from "./canonical.js";
import { isAvailable, sha256 } from "./crypto.js";
import { element, printable, save } from "./elements.js";
import { nonce } from "./evidence.js";
import { sourcePattern } from "./expected.js";
import { Finding, Verdict } from "./finding.js";
import { member, parse, string } from "./json.js";
import { readStatement } from "./statement.js";
import { questions } from "./verifier.js";

const find = (id) => document.getElementById(id);
const outcomes = {
  accepted: ["good", "Accepted", "Everything in this bundle belongs together, and somebody whose word you take vouches for it."],
  rejected: ["bad", "Rejected", "Do not rely on this bundle. What speaks against it is marked below."],
  undetermined: ["doubt", "Not found out", "Nothing speaks against this bundle so far, but not everything could be checked here."],
};
const statuses = {
  passed: ["good", "ok"], failed: ["bad", "FAILED"], undetermined: ["doubt", "not found out"],
  "not-checked": ["quiet", "not checked"],
};

// What a field says, or why it cannot be read.
class FieldFault extends Error {
  constructor(id, message) {
    super(message);
    this.id = id;
  }
}

function hexList(id, count, what) {
  const words = find(id).value.toLowerCase().split(/[\s,]+/).filter((word) => word !== "");
  for (const word of words) {
    if (fromHex(word)?.length !== count) throw new FieldFault(id, `"${word}" is not ${what}`);
  }
  return words;
}

function askedFor() {
  const asked = questions();
  asked.softwareKeys = hexList("keys", 32, "a fingerprint: 64 hexadecimal digits");
  const measurements = hexList("measurements", 48, "a launch digest: 96 hexadecimal digits");
  asked.measurements = measurements.length > 0 ? measurements : null;
  const text = (id, read, what) => {
    const value = find(id).value.trim();
    const result = value === "" ? null : read(value);
    if (value !== "" && result === null) throw new FieldFault(id, `"${value}" is not ${what}`);
    return result;
  };
  asked.nonce = text("nonce", nonce, "a nonce: 32 hexadecimal digits, dashes allowed");
  asked.source = text("source", sourcePattern, "a source: a repository's URL, archive:NAME, or one of them ending in /*");
  asked.commit = text(
    "commit", (value) => (/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(value.toLowerCase()) ? value.toLowerCase() : null),
    "a full commit id: 40 or 64 hexadecimal digits");
  asked.acceptsAnyMeasurement = find("any").checked;
  if (asked.acceptsAnyMeasurement && asked.measurements !== null) {
    throw new FieldFault("measurements", "launch digests and \"any measurement\" contradict each other");
  }
  asked.judgesAtBuildTime = find("build-time").checked;
  asked.leavesArtifactsOut = find("without").checked;
  return asked;
}

// What is shown

function facts(pairs) {
  const list = element("dl", { class: "facts" });
  for (const [name, value] of pairs) {
    if (value !== null) list.append(element("dt", {}, name), element("dd", { class: "value mono" }, printable(value)));
  }
  return list;
}

function findingItem(finding) {
  const [kind, word] = statuses[finding.status];
  return element("li", { class: kind, "data-code": finding.code },
    element("p", { class: "message" },
      element("span", { class: `status ${kind}` }, word), element("bdi", {}, printable(finding.message))),
    facts([["expected", finding.expected], ["actual", finding.actual]]));
}

// `17 checks: 15 ok, 2 not checked`.
function counted(findings) {
  const counts = Object.entries(statuses).map(([status, [, word]]) =>
    [findings.filter((finding) => finding.status === status).length, word.toLowerCase()]);
  const parts = counts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return `${findings.length} check${findings.length === 1 ? "" : "s"}: ${parts.join(", ")}`;
}

// All of them, or, of very many, those that did not pass: a statement may name a million artifacts, and a browser has its limits.
function list(findings) {
  const most = 2000;
  const shown = findings.length > most ? findings.filter((one) => one.status !== "passed").slice(0, most) : findings;
  const items = element("ul", { class: "findings", id: "findings" }, ...shown.map(findingItem));
  if (shown === findings) return [items];
  return [items, element("p", {}, `${shown.length} of ${findings.length} checks are shown. The JSON has all of them.`)];
}

function show(name, verdict, more = [], meaning = outcomes[verdict.outcome][2]) {
  const [kind, title] = outcomes[verdict.outcome];
  const heading = element("h2", { tabindex: "-1", class: kind, id: "outcome" }, title);
  const saving = element("button", { type: "button", class: "plain" }, "Save the verdict as JSON");
  saving.addEventListener("click", () => save(new Blob([verdict.text], { type: "application/json" }), "verdict.json"));
  find("answer").replaceChildren(
    element("section", { class: `panel verdict ${kind}`, "data-outcome": verdict.outcome }, heading,
      element("p", {}, element("bdi", {}, printable(name))), element("p", {}, meaning),
      element("p", { class: "quiet" }, counted(verdict.findings))),
    ...more,
    element("h2", {}, "Every check"), ...list(verdict.findings),
    element("p", {}, saving),
    element("details", {}, element("summary", {}, "The verdict as JSON"), element("pre", { id: "verdict", tabindex: "0" }, verdict.text)));
  find("state").textContent = `${title}: ${printable(name)}`;
  heading.focus();
}

// Whether a person's own file is one of the artifacts that a statement's bytes name.
async function compareBinary(file, statement, verdict) {
  if (!isAvailable() || file.size > memoryLimit) {
    return element("section", { class: "panel verdict doubt", id: "own" },
      element("h2", { class: "doubt" }, "Your own file"), element("p", {}, "Your browser cannot digest your file here."));
  }
  const digest = await sha256(new Uint8Array(await file.arrayBuffer()));
  let subjects = [];
  try {
    subjects = readStatement(parse(statement ?? new Uint8Array())).subject;
  } catch {
    // There is no statement that could name it, which is a finding already.
  }
  const subject = subjects.find((one) => one.digest === digest);
  const isSure = verdict.outcome === "accepted";
  const [kind, message] = subject === undefined
    ? ["bad", "Your file is none of the artifacts that the statement names."]
    : isSure
      ? ["good", `Your file is the artifact "${subject.name}", byte for byte.`]
      : ["doubt", `The statement names your file as "${subject.name}", but the bundle is not accepted, so that is nobody's word.`];
  return element("section", { class: `panel verdict ${kind}`, id: "own" },
    element("h2", { class: kind }, "Your own file"), element("p", {}, element("bdi", {}, printable(message))),
    facts([["file", file.name], ["sha256", digest]]));
}

// A verdict from its JSON, or null for what is none.
function verdictOf(text) {
  const json = parse(new TextEncoder().encode(text));
  const list = member(json, "findings");
  const findings = (Array.isArray(list) ? list : []).map((one) => {
    const of = (name) => string(member(one, name));
    return new Finding(of("status"), of("code") ?? "", of("message") ?? "", { expected: of("expected"), actual: of("actual") });
  });
  const outcome = string(member(json, "outcome"));
  const isWhole = findings.length > 0 && findings.every((one) => Object.hasOwn(statuses, one.status ?? ""));
  return isWhole && Object.hasOwn(outcomes, outcome ?? "") ? { outcome, findings, text, json } : null;
}

// What this browser could not find out, a service can, if the person sends it the bundle

// The bundle and everything that was asked, as `POST /verify` takes it.
function questionsAsForm(file, asked) {
  const form = new FormData();
  const add = (name, value) => value !== null && value !== false && form.append(name, String(value));
  const list = (name, values) => values.length > 0 && form.append(name, values.join("\n"));
  list("software_key", asked.softwareKeys);
  list("measurement", asked.measurements ?? []);
  add("nonce", asked.nonce);
  add("source", asked.source);
  add("commit", asked.commit);
  add("any_measurement", asked.acceptsAnyMeasurement);
  add("at", asked.judgesAtBuildTime ? "build" : null);
  add("without_artifacts", asked.leavesArtifactsOut);
  form.append("bundle", file);
  return form;
}

// What is being sent, for as long as it is wanted.
let sending = null;

async function askService(file, binary, asked, run) {
  sending = new AbortController();
  sayUnderWay(`Sending ${printable(file.name)} to ${location.host}…`);
  try {
    const response = await ask("verify", { method: "POST", body: questionsAsForm(file, asked), signal: sending.signal });
    const verdict = verdictOf(await response.text());
    if (verdict === null) throw new Error("The service answered with something that is not a verdict.");
    const provenance = member(verdict.json, "provenance");
    const statement = provenance === undefined ? null : new TextEncoder().encode(canonical(provenance));
    const more = binary === undefined ? [] : [await compareBinary(binary, statement, verdict)];
    if (run === runs) show(file.name, verdict, more, `${outcomes[verdict.outcome][2]} So says ${location.host}, to which you sent it.`);
  } catch (error) {
    if (run === runs) find("state").textContent = printable(error.message);
  }
}

// Offers to send the bundle, where this browser found nothing out and there is a service that could.
function offer(file, binary, verdict, asked) {
  const isOurs = verdict.outcome === "undetermined" && verdict.findings.every(
    ({ status, code }) => status !== "undetermined" || code.startsWith("browser."));
  if (!isOurs || !location.protocol.startsWith("http")) return [];
  const button = element("button", { type: "button", id: "send" }, `Send the bundle to ${location.host} and have it verified there`);
  button.addEventListener("click", () => {
    button.disabled = true;
    runs += 1;
    askService(file, binary, asked, runs).finally(() => (button.disabled = false));
  });
  return [element("section", { class: "panel", id: "offer" }, element("h2", {}, "Ask the service"),
    element("p", {}, "What your browser cannot do, the service can. The bundle is uploaded for it, with what you asked, and is not kept. "
      + "The verdict is then the service's word: kettle verify on your own machine needs nobody's."),
    element("p", {}, button))];
}

// What is done

// The bundle is read elsewhere: a hostile one can take minutes, in which the page has to answer, if only to be stopped.
class Examiner {
  #worker = null;
  #settle = null;

  // Begun before there is a bundle, so that the network may be gone when there is one.
  prepare() {
    if (this.#worker !== null) return;
    const worker = new Worker(new URL("./examine.js", import.meta.url), { type: "module" });
    // What a worker says that another has replaced is about another file.
    const end = (result) => worker === this.#worker && this.#end(result);
    worker.onerror = (event) => end({ fault: event.message ?? "the check could not be started" });
    worker.onmessage = ({ data }) => end(data);
    this.#worker = worker;
  }

  // The verdict's text and the statement's bytes; null when it was stopped.
  examine(file, asked) {
    this.stop();
    this.prepare();
    return new Promise((settle) => {
      this.#settle = settle;
      this.#worker.postMessage({ file, asked });
    });
  }

  stop() {
    if (this.#settle !== null) this.#end(null);
  }

  // A worker that did its work has the next one, too.
  #end(result) {
    if (result === null || result.fault !== undefined) {
      this.#worker?.terminate();
      this.#worker = null;
    }
    this.#settle?.(result);
    this.#settle = null;
  }
}

const examiner = new Examiner();
examiner.prepare();

// How often a check was begun. Only the last one has anything to say: an older one may take longer.
let runs = 0;

async function examine(file, asked) {
  if (file.size <= memoryLimit) return examiner.examine(file, asked);
  const { code, message } = tooLarge();
  return { text: canonical(new Verdict([new Finding("undetermined", code, message)]).json), statement: null };
}

// Ends whatever is under way; it has nothing to say any more.
function stop() {
  runs += 1;
  examiner.stop();
  sending?.abort();
}

function sayUnderWay(what) {
  const button = element("button", { type: "button", class: "plain", id: "stop" }, "Stop");
  button.addEventListener("click", () => {
    stop();
    find("state").textContent = "Stopped. Nothing was found out.";
    find("bundle").focus();
  });
  find("state").replaceChildren(`${what} `, button);
}

async function check(file, binary) {
  const asked = askedFor();
  stop();
  const run = runs;
  find("answer").replaceChildren();
  sayUnderWay(`Checking ${printable(file.name)}…`);
  const examined = await examine(file, asked);
  if (examined === null) return;
  if (examined.fault !== undefined) throw new Error(examined.fault);
  const verdict = verdictOf(examined.text);
  const more = binary === undefined ? [] : [await compareBinary(binary, examined.statement, verdict)];
  if (run === runs) show(file.name, verdict, [...more, ...offer(file, binary, verdict, asked)]);
}

async function submit() {
  for (const field of document.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  const [file] = find("bundle").files;
  find("check").disabled = true;
  try {
    if (file === undefined) throw new FieldFault("bundle", "Choose a bundle first.");
    await check(file, find("binary").files[0]);
  } catch (fault) {
    find("answer").replaceChildren();
    find("state").replaceChildren(element("p", { class: "panel bad" }, fault instanceof FieldFault
      ? printable(fault.message) : `This page has a mistake, and found nothing out: ${printable(String(fault?.message))}`));
    if (!(fault instanceof FieldFault)) throw fault;
    find(fault.id).setAttribute("aria-invalid", "true");
    if (find("questions").contains(find(fault.id))) find("questions").open = true;
    find(fault.id).focus();
  } finally {
    find("check").disabled = false;
  }
}

// Chooses a file in a person's place.
function put(id, file) {
  const transfer = new DataTransfer();
  if (file !== undefined) transfer.items.add(file);
  find(id).files = transfer.files;
}

// The page of a build leads here with the address of its bundle, which is fetched as any download is and then checked like any file.
async function takeFromService(address) {
  find("state").textContent = "Fetching the bundle…";
  try {
    const response = await ask(address);
    put("bundle", new File([await response.blob()], address.split("/").at(-1)));
    await submit();
  } catch (error) {
    find("state").textContent = printable(error.message);
  }
}

// A verdict stands beside what it was asked for, and beside nothing else.
find("form").addEventListener("input", () => {
  stop();
  find("answer").replaceChildren();
  find("state").textContent = "";
});
find("form").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
find("bundle").addEventListener("change", () => {
  if (find("bundle").files.length > 0) submit();
});

const drop = find("drop");
// A file that misses the field would otherwise replace the page.
for (const type of ["dragover", "drop"]) addEventListener(type, (event) => event.preventDefault());
addEventListener("dragover", () => drop.classList.add("over"));
addEventListener("dragleave", () => drop.classList.remove("over"));
addEventListener("drop", (event) => {
  drop.classList.remove("over");
  const files = [...(event.dataTransfer?.files ?? [])];
  if (files.length === 0) return;
  const isBundle = (file) => /\.(zip|tgz|gz)$/i.test(file.name);
  const bundle = files.find(isBundle) ?? files[0];
  put("bundle", bundle);
  if (files.length > 1) put("binary", files.find((file) => file !== bundle));
  submit();
});

const wanted = new URLSearchParams(location.search).get("bundle") ?? "";
if (/^builds\/[0-9a-f]{24,64}\/bundle\.zip$/.test(wanted)) takeFromService(wanted);
