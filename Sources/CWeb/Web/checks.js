// Whether the statement is one that a builder of this platform may make, and whole in itself.

import { fromHex, utf8 } from "./bytes.js";
import { canonical } from "./canonical.js";
import { repositoryOf } from "./expected.js";
import { member, string } from "./json.js";
import { canonicalPackageURL } from "./packageurl.js";
import { builderID, buildType, lockfileNames, merkleRoot, readStatement, StatementFault, timeText } from "./statement.js";
import { byteCount, compareBytes, hasPrefix, same, sorted, Table } from "./text.js";

// Clocks differ a little, in seconds.
const clockTolerance = 300;
const externalParameters = ["nonce", "path", "ref", "source", "toolchain"];

// Reads a document as a statement of ours; null when it is not one.
export function receive(json, bytes, findings) {
  checkCanonical(bytes, json, findings);
  try {
    const statement = readStatement(json);
    findings.passed("provenance.format", "the statement is in-toto v1 with SLSA provenance v1");
    return statement;
  } catch (fault) {
    if (!(fault instanceof StatementFault)) throw fault;
    findings.failed("provenance.format", fault.message);
    return null;
  }
}

// One meaning has one spelling, so nothing can hide in the layout, and two tools cannot read two things.
function checkCanonical(bytes, json, findings) {
  const wanted = utf8(canonical(json));
  const common = Math.min(bytes.length, wanted.length);
  let place = 0;
  while (place < common && bytes[place] === wanted[place]) place += 1;
  if (place === bytes.length && place === wanted.length) {
    findings.passed("provenance.canonical", "the statement is in canonical form (RFC 8785)");
    return;
  }
  findings.failed("provenance.canonical", "the statement is not in canonical form (RFC 8785)", {
    expected: `${wanted.length} bytes`, actual: `${bytes.length} bytes, the first difference at ${place}`,
  });
}

// `platform` is what the evidence claims to be of; null when that cannot be read.
export async function checkStatement(statement, json, platform, time, findings) {
  checkBuildType(statement, findings);
  checkBuilder(statement, platform, findings);
  checkParameters(statement, findings);
  checkRun(statement, time, findings);
  const problem = dependencyProblem(statement);
  if (problem !== null) findings.failed("provenance.dependencies", problem);
  else findings.passed("provenance.dependencies", `${statement.dependencies.length} inputs are pinned by digest`);
  await checkMerkleRoot(statement, json, findings);
}

function checkBuildType(statement, findings) {
  const { toolchain } = statement;
  if (toolchain === null) {
    const expected = Object.keys(lockfileNames).map(buildType).join(" or ");
    findings.failed("provenance.build_type", "the build type is unknown", { expected, actual: statement.buildType });
    return;
  }
  const names = lockfileNames[toolchain];
  const lockfile = statement.lockfile?.name ?? null;
  const isOther = lockfile !== null && !names.some((name) => same(name, lockfile));
  const message = `the build type is ${statement.buildType}`;
  findings.check(!isOther, ["provenance.build_type"], [message, `${message}, and the lockfile is none of it`], {
    expected: isOther ? names.join(" or ") : statement.buildType, actual: isOther ? lockfile : statement.buildType,
  });
  const chosen = statement.externalParameters.get("toolchain")
    ?? string(member(statement.internalParameters, "projectSettings", "toolchain"));
  if (chosen !== null && !same(chosen, toolchain)) {
    findings.failed("provenance.toolchain", "another toolchain was asked for than the one that built", {
      expected: chosen, actual: toolchain,
    });
  }
}

function checkBuilder(statement, platform, findings) {
  const actual = statement.builderID;
  if (platform === null) {
    findings.failed("provenance.builder", "the evidence names no platform to hold the builder against", { actual });
    return;
  }
  const expected = builderID(platform);
  findings.check(same(actual, expected), ["provenance.builder"], [
    `the builder is ${actual}, as its evidence is`, "the builder is not of the platform that the evidence is of",
  ], { expected, actual });
}

function checkParameters(statement, findings) {
  const parameters = statement.externalParameters;
  for (const name of sorted(parameters.keys().filter((one) => !externalParameters.some((known) => same(known, one))))) {
    findings.failed("provenance.external_parameter", `the external parameter "${name}" is unknown`, {
      expected: externalParameters.join(", "), actual: name,
    });
  }
  const source = parameters.get("source");
  if (source === undefined) {
    findings.failed("provenance.source", "the external parameters name no source", { expected: "source" });
    return;
  }
  findings.check(hasPrefix(source, "git+") || hasPrefix(source, "archive:"), ["provenance.source"], [
    `the source is ${source}`, "the source is neither git nor an archive",
  ], { expected: "git+… or archive:…", actual: source });
  const ref = parameters.get("ref");
  // A repository's source ends in the ref that was asked for, and an archive has none.
  if (ref === undefined || (ref !== "" && !same(repositoryOf(source, ref), source))) return;
  findings.failed("provenance.ref", "the ref is not the one that the source names", { expected: `…@${ref}`, actual: source });
}

function checkRun(statement, time, findings) {
  const { invocationID: id, startedOn, finishedOn } = statement;
  if (byteCount(id) < 24 || byteCount(id) > 128 || fromHex(id) === null) {
    findings.failed("provenance.invocation", "the build's id is malformed", {
      expected: "24 or more lower-case hexadecimal digits", actual: id,
    });
  }
  findings.check(startedOn <= finishedOn, ["provenance.time"], [
    `build ${id} ran from ${timeText(startedOn)} to ${timeText(finishedOn)}`, "the build ended before it began",
  ], { expected: `not before ${timeText(startedOn)}`, actual: timeText(finishedOn) });
  checkFuture(finishedOn, time, findings);
}

// A build of tomorrow is somebody's invention.
export function checkFuture(finishedOn, time, findings) {
  if (time === null || finishedOn <= time + clockTolerance) return;
  findings.failed("provenance.future", "the build ended after the time of verification", {
    expected: `not after ${timeText(time)}`, actual: timeText(finishedOn),
  });
}

async function checkMerkleRoot(statement, json, findings) {
  const expected = await merkleRoot(json);
  const roots = statement.byproducts.filter((one) => same(one.name, "input_merkle_root"));
  findings.check(roots.length === 1 && roots[0].sha256 === expected, ["provenance.merkle_root"], [
    "the input Merkle root covers all inputs", "the input Merkle root is not that of the inputs",
  ], { expected, actual: roots.length === 0 ? "none" : roots.map((root) => root.sha256 ?? "no sha256").join(", ") });
}

// The order that `resolvedDependencies` must have: the source, the lockfile, package URLs sorted, the tools. Null when nothing is wrong.
function dependencyProblem(statement) {
  const entries = statement.dependencies;
  for (const [index, entry] of entries.entries()) {
    const called = entry.uri ?? entry.name;
    if (called === null || called === "") return `the input ${index + 1} has neither a URI nor a name`;
    if (entry.digest.size === 0) return `the input ${index + 1}, "${called}", has no digest`;
  }
  if (entries.length === 0) return "there is no input, not even the source";
  const [source, lockfile] = entries;
  const named = statement.externalParameters.get("source") ?? null;
  if (!(source.uri === null ? named === null : same(source.uri, named))) {
    return `the first input is "${source.uri ?? ""}" and not the source that the parameters name`;
  }
  if (!source.digest.has("gitTree")) return "the source has no gitTree";
  const wanted = source.uri !== null && hasPrefix(source.uri, "git+") ? "gitCommit" : "sha256";
  if (!source.digest.has(wanted)) return `the source has no ${wanted}`;
  const isPackage = (entry) => entry.uri !== null && hasPrefix(entry.uri, "pkg:");
  if (lockfile === undefined || lockfile.name === null || lockfile.sha256 === null || isPackage(lockfile)) {
    return "the lockfile is not named after the source";
  }
  const rest = entries.slice(2);
  const count = rest.findIndex((entry) => !isPackage(entry));
  const packages = count < 0 ? rest : rest.slice(0, count);
  for (const { uri } of packages) {
    const url = canonicalPackageURL(uri);
    if (url === null || !same(url, uri)) return `"${uri}" is not a package URL in its one form`;
  }
  for (let index = 1; index < packages.length; index += 1) {
    const [before, uri] = [packages[index - 1].uri, packages[index].uri];
    if (compareBytes(before, uri) < 0) continue;
    return same(before, uri) ? `the package "${uri}" is listed twice` : `the package "${uri}" is not in its place`;
  }
  const tools = rest.slice(packages.length);
  if (tools.length === 0) return "no tool is named";
  if (lockfile.name === "") return "the lockfile has no name";
  const seen = new Table();
  for (const tool of tools) {
    const name = tool.name ?? tool.uri ?? "";
    // `PKG:` is a package URL too, and would be passed over among the packages.
    if (tool.uri !== null && hasPrefix(tool.uri.toLowerCase(), "pkg:")) return `the package "${name}" is not in its place`;
    if (seen.has(name)) return `the tool "${name}" is listed twice`;
    seen.set(name, true);
  }
  return null;
}
