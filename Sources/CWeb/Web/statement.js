// The statement: in-toto v1 with SLSA provenance v1, as Kettle writes it.

import { concat, fromHex, hex, utf8 } from "./bytes.js";
import { canonical } from "./canonical.js";
import { JSONObject, member } from "./json.js";
import { sha256Bytes } from "./crypto.js";
import { same, sorted, Table } from "./text.js";

export const statementType = "https://in-toto.io/Statement/v1";
export const predicateType = "https://slsa.dev/provenance/v1";

// The toolchains that there are build types of, and what their lockfiles are called.
export const lockfileNames = {
  cargo: ["Cargo.lock"], go: ["go.sum", "go.mod"], nix: ["flake.lock", "flake.nix"],
  npm: ["package-lock.json", "npm-shrinkwrap.json"], pnpm: ["pnpm-lock.yaml"],
  swift: ["Package.resolved", "Package.swift"], uv: ["uv.lock"],
};
export const buildType = (toolchain) => `https://kettle.build/${toolchain}/v1`;
export const builderID = (platform) => `https://kettle.build/builder/${platform}/v1`;

export class StatementFault extends Error {}

// Seconds since 1970 of `2026-11-24T00:12:10Z`; null for any other form, and for days that do not exist.
export function timestamp(value) {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/.test(value) || value < "1970") return null;
  const milliseconds = Date.parse(value);
  if (Number.isNaN(milliseconds)) return null;
  const seconds = milliseconds / 1000;
  return timeText(seconds) === value ? seconds : null;
}

export const timeText = (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");

// A part of the document and where it stands, so that an error can name the place.
class Part {
  constructor(value, place) {
    this.value = value;
    this.place = place;
  }

  members() {
    if (!(this.value instanceof JSONObject)) throw new StatementFault(`${this.place} is not an object`);
    return this.value;
  }

  member(name) {
    if (!this.members().has(name)) throw new StatementFault(`${this.place}.${name} is missing`);
    return new Part(this.value.get(name), `${this.place}.${name}`);
  }

  object(name) {
    const part = this.member(name);
    part.members();
    return part;
  }

  list(name, read) {
    const part = this.member(name);
    if (!Array.isArray(part.value)) throw new StatementFault(`${part.place} is not an array`);
    return part.value.map((element, index) => read(new Part(element, `${part.place}[${index}]`)));
  }

  string(name) {
    const part = this.member(name);
    if (typeof part.value !== "string") throw new StatementFault(`${part.place} is not a string`);
    return part.value;
  }

  optionalString(name) {
    return this.members().has(name) ? this.string(name) : null;
  }

  require(name, expected) {
    const actual = this.string(name);
    if (!same(actual, expected)) throw this.wrong(name, expected, actual);
  }

  wrong(name, expected, actual) {
    return new StatementFault(`${this.place}.${name} is "${actual}" and not ${expected}`);
  }

  time(name) {
    const value = this.string(name);
    const seconds = timestamp(value);
    if (seconds === null) throw this.wrong(name, "a time such as 2026-11-24T00:12:10Z", value);
    return seconds;
  }

  digests() {
    const part = this.object("digest");
    const digests = new Table();
    for (const algorithm of sorted(part.value.keys())) {
      const value = part.string(algorithm);
      const bytes = fromHex(value);
      if (bytes === null || !isLength(algorithm, bytes.length)) {
        throw part.wrong(algorithm, "a lower-case hexadecimal digest", value);
      }
      digests.set(algorithm, value);
    }
    return digests;
  }

  subject() {
    const digests = this.digests();
    if (!digests.has("sha256")) throw new StatementFault(`${this.place}.digest.sha256 is missing`);
    return { name: this.string("name"), digest: digests.get("sha256") };
  }

  descriptor() {
    const has = (name) => this.members().has(name);
    const descriptor = {
      name: this.optionalString("name"), uri: this.optionalString("uri"),
      digest: has("digest") ? this.digests() : new Table(), downloadLocation: this.optionalString("downloadLocation"),
      mediaType: this.optionalString("mediaType"),
    };
    if (has("annotations")) this.object("annotations");
    descriptor.sha256 = descriptor.digest.get("sha256") ?? null;
    return descriptor;
  }
}

// Digests of a known length must have it, so that none is cut short.
function isLength(algorithm, count) {
  const lengths = new Map([
    ["sha256", [32]], ["sha384", [48]], ["sha512", [64]], ["sha1", [20]], ["gitCommit", [20, 32]], ["gitTree", [20, 32]],
    ["gitBlob", [20, 32]],
  ]).get(algorithm);
  return lengths ? lengths.includes(count) : count >= 1 && count <= 128;
}

// Reads a document. Throws `StatementFault` where it is no statement of ours.
export function readStatement(json) {
  const top = new Part(json, "statement");
  top.require("_type", statementType);
  top.require("predicateType", predicateType);
  const predicate = top.object("predicate");
  const definition = predicate.object("buildDefinition");
  const details = predicate.object("runDetails");
  const metadata = details.object("metadata");
  const external = definition.object("externalParameters");
  const parameters = new Table();
  for (const name of sorted(external.value.keys())) parameters.set(name, external.string(name));
  const statement = {
    subject: top.list("subject", (part) => part.subject()),
    buildType: definition.string("buildType"),
    externalParameters: parameters,
    internalParameters: definition.object("internalParameters").value,
    dependencies: definition.list("resolvedDependencies", (part) => part.descriptor()),
    builderID: details.object("builder").string("id"),
    invocationID: metadata.string("invocationId"),
    startedOn: metadata.time("startedOn"),
    finishedOn: metadata.time("finishedOn"),
    byproducts: details.list("byproducts", (part) => part.descriptor()),
  };
  statement.toolchain = Object.keys(lockfileNames).find((name) => same(buildType(name), statement.buildType)) ?? null;
  statement.lockfile = statement.dependencies[1] ?? null;
  return statement;
}

// The Merkle root over the canonical JSON of each resolved dependency, in order (RFC 9162, section 2.1.1).
export async function merkleRoot(json) {
  const entries = member(json, "predicate", "buildDefinition", "resolvedDependencies");
  const leaves = Array.isArray(entries) ? entries : [];
  if (leaves.length === 0) return hex(await sha256Bytes(new Uint8Array()));
  // A leaf is hashed behind 0 and a node behind 1, so that no leaf can pass for a node.
  let level = await Promise.all(leaves.map((leaf) => sha256Bytes(concat([0], utf8(canonical(leaf))))));
  while (level.length > 1) {
    const above = [];
    for (let index = 0; index < level.length; index += 2) {
      const pair = index + 1 < level.length;
      above.push(pair ? sha256Bytes(concat([1], level[index], level[index + 1])) : level[index]);
    }
    level = await Promise.all(above);
  }
  return hex(level[0]);
}
