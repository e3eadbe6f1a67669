// A bundle that the original Kettle wrote. Its evidence binds SHA-256 of the statement's file, or, in its first generation, of the file
// without white space between tokens; then a nonce of 16 bytes, zeros, or nothing.

import { equal, hex, isZero, concat, fromHex } from "./bytes.js";
import { checkFuture } from "./checks.js";
import { sha256, sha256Bytes } from "./crypto.js";
import { checkExpectations } from "./expected.js";
import { checkArtifacts, checkOddities, isCollateral } from "./files.js";
import { Findings, Verdict } from "./finding.js";
import { JSONObject, member, string } from "./json.js";
import { predicateType, statementType, timestamp } from "./statement.js";
import { hasPrefix, same, sorted } from "./text.js";
import { checkEvidence, readEvidence, verified } from "./verifier.js";

const prefix = "https://lunal.dev/kettle/";

// Whether the document says that the original Kettle wrote it.
export function isOriginal(json) {
  const type = string(member(json, "predicate", "buildDefinition", "buildType"));
  return type !== null && hasPrefix(type, prefix);
}

class Fault extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// An object that has exactly the members it may have. What nobody wrote nobody looked at, and it would ride along.
class Members {
  constructor(value, place, required, optional = []) {
    if (!(value instanceof JSONObject)) throw new Fault("provenance.format", `${place} is not an object`);
    const known = [...required, ...optional];
    const [unknown] = sorted(value.keys().filter((name) => !known.some((one) => same(one, name))));
    if (unknown !== undefined) throw new Fault("provenance.unknown", `${place} has the unknown member "${unknown}"`);
    const missing = required.find((name) => !value.has(name));
    if (missing !== undefined) throw new Fault("provenance.format", `${place} lacks ${missing}`);
    this.values = value;
    this.place = place;
  }

  has(name) {
    return this.values.has(name);
  }

  wrong(what) {
    return new Fault("provenance.format", `${this.place} ${what}`);
  }

  text(name) {
    const value = string(this.values.get(name));
    if (value === null) throw this.wrong(`has a ${name} that is not a string`);
    return value;
  }

  count(name) {
    if (typeof this.values.get(name) !== "bigint") throw this.wrong(`has a ${name} that is not a number`);
  }

  members(name, required, optional) {
    return new Members(this.values.get(name), name, required, optional);
  }

  list(name, required, optional) {
    const entries = this.values.get(name);
    if (!Array.isArray(entries)) throw this.wrong(`has ${name} that are not a list`);
    return entries.map((entry) => new Members(entry, `an entry of ${name}`, required, optional));
  }

  // What `sha256` or `sha512` says; there is exactly one of them.
  digest(name) {
    const digest = this.members(name, [], ["sha256", "sha512"]);
    const has = ["sha256", "sha512"].filter((one) => digest.has(one));
    if (has.length !== 1) throw digest.wrong("does not have exactly one digest");
    return { algorithm: has[0], value: digest.text(has[0]) };
  }

  // `2026-03-05T07:06:13.588328+00:00`: a time in UTC with or without a fraction, to the second.
  time(name) {
    const text = this.text(name);
    const parts = /^(.{0,19})(\.[0-9]*)?(.*)$/s.exec(text);
    if (parts[2] !== undefined && !/^\.[0-9]{1,9}$/.test(parts[2])) throw this.wrong(`has a ${name} that is not a time`);
    const seconds = parts[3] === "+00:00" || parts[3] === "Z" ? timestamp(`${parts[1]}Z`) : null;
    if (seconds === null) throw this.wrong(`has a ${name} that is not a time in UTC`);
    return seconds;
  }
}

function readStatement(json) {
  const statement = new Members(json, "the statement", ["_type", "predicate", "predicateType", "subject"]);
  if (!same(statement.text("_type"), statementType) || !same(statement.text("predicateType"), predicateType)) {
    throw new Fault("provenance.type", "the statement is not in-toto v1 with SLSA provenance v1");
  }
  const predicate = statement.members("predicate", ["buildDefinition", "runDetails"]);
  const definition = predicate.members(
    "buildDefinition", ["buildType", "externalParameters", "internalParameters", "resolvedDependencies"]);
  const buildType = definition.text("buildType");
  if (!["cargo", "nix", "pnpm"].some((name) => same(`${prefix}${name}@v1`, buildType))) {
    throw new Fault("provenance.type", `the build type ${buildType} is none that the original Kettle had`);
  }
  const external = definition.members("externalParameters", ["buildCommand", "source"]);
  external.text("buildCommand");
  const source = external.members("source", ["digest", "uri"]);
  const uri = source.text("uri");
  const digest = source.members("digest", ["gitCommit", "gitTree"]);
  const commit = digest.text("gitCommit");
  digest.text("gitTree");
  const lockfileDigest = readInner(definition);
  readDependencies(definition);

  const details = predicate.members("runDetails", ["builder", "byproducts", "metadata"]);
  const builderID = details.members("builder", ["id"]).text("id");
  for (const entry of details.list("byproducts", ["digest", "name"])) {
    entry.digest("digest");
    entry.text("name");
  }
  const metadata = details.members("metadata", ["invocationId", "startedOn", "finishedOn"]);
  metadata.text("invocationId");
  metadata.time("startedOn");
  const finishedOn = metadata.values.get("finishedOn") === null ? null : metadata.time("finishedOn");
  const subjects = statement.list("subject", ["digest", "name"]).map((entry) => {
    const { algorithm, value } = entry.digest("digest");
    if (algorithm !== "sha256") throw new Fault("artifact.digest", "an artifact's digest is not SHA-256");
    return { name: entry.text("name"), digest: value };
  });
  // It does not tell which ref was asked for.
  const claims = { builderID, source: `git+${uri}`, requestedRef: null, commit, finishedOn };
  return { buildType, lockfileDigest, subjects, claims };
}

function readInner(definition) {
  const inner = definition.members(
    "internalParameters", ["lockfileHash", "toolchain"], ["evaluation", "flakeInputs"]);
  if (inner.has("evaluation")) {
    const evaluation = inner.members("evaluation", ["derivationCount", "fetchCount"]);
    for (const name of ["derivationCount", "fetchCount"]) evaluation.count(name);
  }
  if (inner.has("flakeInputs")) {
    for (const input of inner.list("flakeInputs", ["name", "narHash"])) {
      for (const name of ["name", "narHash"]) input.text(name);
    }
  }
  const lockfileDigest = inner.digest("lockfileHash").value;
  // The toolchain has exactly the tools of one of three kinds.
  const toolchain = inner.members("toolchain", [], ["cargo", "rustc", "nix", "pnpm", "node", "kettle"]);
  const names = sorted(toolchain.values.keys());
  if (!["cargo kettle rustc", "kettle nix", "kettle node pnpm"].includes(names.join(" "))) {
    throw new Fault("provenance.unknown", `the toolchain is not that of cargo, nix or pnpm: ${names.join(", ")}`);
  }
  for (const name of names) {
    const tool = toolchain.members(name, ["digest", "version"]);
    tool.digest("digest");
    if (name === "kettle") tool.text("version");
  }
  return lockfileDigest;
}

function readDependencies(definition) {
  for (const entry of definition.list("resolvedDependencies", ["digest", "name", "uri"], ["annotations"])) {
    entry.digest("digest");
    entry.text("name");
    entry.text("uri");
    if (!entry.has("annotations")) continue;
    const annotations = entry.members("annotations", ["drvPath"], ["outputHashMode", "url", "urls"]);
    for (const name of ["drvPath", "outputHashMode", "url", "urls"]) if (annotations.has(name)) annotations.text(name);
  }
}

export async function verifyOriginal(bundle, json, asked) {
  const findings = new Findings();
  const evidence = readEvidence(bundle, findings);
  let statement = null;
  try {
    statement = readStatement(json);
    findings.passed("provenance.format", "the statement is one of the original Kettle", { actual: statement.buildType });
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    findings.failed(fault.code, fault.message);
  }
  let result = {};
  if (evidence !== null && evidence.platform === "software") {
    findings.failed("evidence.platform", "the original Kettle made no software evidence", { actual: "software" });
  } else if (evidence !== null) result = await checkEvidence(evidence, bundle, statement?.claims ?? null, asked, findings);
  const signedNonce = result.signed ? await checkBinding(result.signed, bundle.statement, asked, findings) : null;
  if (statement !== null) checkFiles(bundle, statement, asked, findings);
  const isVerified = statement !== null && result.isAccepted === true && signedNonce !== null;
  const digest = await sha256(bundle.statement);
  return new Verdict(findings, isVerified ? verified(json, digest, evidence, signedNonce, result) : null);
}

// The nonce that was signed along, when the evidence is of this statement; else null.
async function checkBinding(signed, bytes, asked, findings) {
  const file = await sha256Bytes(bytes);
  const compact = await sha256Bytes(compacted(bytes));
  const digest = signed.subarray(0, 32);
  const isWhole = signed.length >= 32 && signed.length <= 64 && isZero(signed.subarray(48));
  if (!isWhole || !(equal(digest, file) || equal(digest, compact))) {
    findings.failed("binding.mismatch", "the evidence was made for another statement", {
      expected: `${hex(file)}, or ${hex(compact)} without white space`, actual: hex(signed),
    });
    return null;
  }
  findings.passed("binding.statement", equal(digest, file)
    ? "the evidence was made for this statement"
    : "the evidence was made for this statement, without the white space between its tokens");
  const rest = signed.subarray(32, Math.min(48, signed.length));
  const nonce = hex(concat(rest, new Uint8Array(16 - rest.length)));
  const actual = /^0*$/.test(nonce) ? "none" : nonce;
  if (asked.nonce === null) findings.notChecked("nonce.unasked", "no nonce was asked for", { actual });
  else {
    findings.check(nonce === asked.nonce, ["nonce.match", "binding.mismatch"], [
      "the evidence was made for your nonce", "the evidence was made for another nonce",
    ], { expected: asked.nonce, actual });
  }
  return nonce;
}

// The document without insignificant white space (RFC 8259, section 2), every other byte as it is.
function compacted(bytes) {
  const output = new Uint8Array(bytes.length);
  let count = 0;
  let isInString = false;
  let isEscaped = false;
  for (const byte of bytes) {
    if (isInString) {
      if (isEscaped) isEscaped = false;
      else if (byte === 0x5c) isEscaped = true;
      else if (byte === 0x22) isInString = false;
    } else {
      if (byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d) continue;
      if (byte === 0x22) isInString = true;
    }
    output[count] = byte;
    count += 1;
  }
  return output.subarray(0, count);
}

// The original's folder may hold more than its verifier ever looked at.
function checkFiles(bundle, statement, asked, findings) {
  const { finishedOn } = statement.claims;
  if (finishedOn !== null) checkFuture(finishedOn, asked.time, findings);
  findings.notChecked(
    "provenance.merkle_root", "the original Kettle does not document its input Merkle root");
  checkExpectations(statement.claims, asked, findings);
  const subjects = statement.subjects.filter(({ name, digest }) => {
    if (fromHex(digest)?.length === 32) return true;
    findings.failed("artifact.digest", `the digest of "${name}" is not a SHA-256`, { actual: digest });
    return false;
  });
  checkArtifacts(bundle, subjects, asked.leavesArtifactsOut, findings);
  checkOddities(bundle, findings);
  for (const path of sorted(bundle.files.keys())) {
    const isKnown = same(path, "provenance.json") || same(path, "evidence.json");
    if (isKnown || path.startsWith("artifacts/") || isCollateral(path)) continue;
    if (bundle.files.get(path).digest === statement.lockfileDigest) {
      findings.passed("lockfile.match", `"${path}" is the lockfile that the statement names`);
    } else findings.notChecked("bundle.unchecked", `nothing in the statement speaks for "${path}"`);
  }
}
