// Whether the bundle holds exactly the files that the statement names.

import { collateralFiles } from "./bundle.js";
import { compare, same, sorted } from "./text.js";

const isBelow = (path, folder) => path.startsWith(`${folder}/`);
export const isCollateral = (path) => collateralFiles.some((name) => path === `collateral/${name}`);

const sortedOddities = (bundle) => bundle.oddities.entries().sort((left, right) => compare(left[0], right[0]));

// Those below artifacts/ are for `checkArtifacts`.
export function checkOddities(bundle, findings) {
  for (const [path, kind] of sortedOddities(bundle)) {
    if (isBelow(path, "artifacts")) continue;
    findings.failed("bundle.kind", `"${path}" has no place in a bundle`, { expected: "regular files", actual: kind });
  }
}

// Whether the bundle holds nothing that nothing in it speaks for.
export function checkLayout(bundle, statement, platform, findings) {
  checkOddities(bundle, findings);
  const records = ["provenance.json", "evidence.json", "build.log", "sbom.cdx.json"];
  const name = statement?.lockfile?.name ?? null;
  const lockfile = name === null ? null : `build-config/${name}`;
  for (const path of sorted(bundle.files.keys())) {
    if (records.some((record) => same(record, path)) || isBelow(path, "artifacts") || same(path, lockfile)) continue;
    // The chip makers sign what these files say.
    if (platform !== null && platform !== "software" && isCollateral(path)) continue;
    if (statement === null && path.startsWith("build-config/")) continue;
    findings.failed("bundle.unexpected", `nothing in the statement speaks for "${path}"`);
  }
}

const isPlain = (name) => name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name);

// Whether `artifacts/` holds exactly the statement's subjects.
export function checkArtifacts(bundle, subjects, isLeftOut, findings) {
  if (subjects.length === 0) findings.failed("artifact.none", "the statement names no artifact");
  const odd = oddNames(bundle);
  const known = new Set();
  for (const subject of subjects) {
    const { name } = subject;
    const normal = name.normalize("NFC");
    if (known.has(normal)) {
      findings.failed("artifact.duplicate", `the statement names the artifact "${name}" twice`);
      continue;
    }
    known.add(normal);
    checkArtifact(bundle, subject, odd, isLeftOut, findings);
  }
  for (const [path, kind] of sortedOddities(bundle)) {
    if (!isBelow(path, "artifacts")) continue;
    findings.failed("artifact.kind", `"${path}" is not a regular file`, { expected: "regular files", actual: kind });
  }
  if (isLeftOut) {
    findings.notChecked("artifact.left_out", "the artifacts were left out, as you asked: only digests are known");
  }
  const named = new Set(subjects.map((subject) => subject.name));
  for (const name of sorted(bundle.names("artifacts"))) {
    if (named.has(name)) continue;
    if (name.includes("/")) {
      findings.failed("artifact.kind", `"artifacts/${name}" is in a folder of its own`, {
        expected: "regular files", actual: "folder",
      });
    } else findings.failed("artifact.unexpected", `the statement does not name the artifact "${name}"`);
  }
}

function checkArtifact(bundle, { name, digest }, odd, isLeftOut, findings) {
  if (!isPlain(name)) {
    findings.failed("artifact.name", `"${name}" is not a plain file name`);
    return;
  }
  const file = bundle.file(`artifacts/${name}`);
  if (file === null) {
    // What is there in its place is a finding of its own.
    if (isLeftOut || odd.has(name)) return;
    findings.failed("artifact.missing", `the artifact "${name}" is not in the bundle`, {
      expected: `sha256 ${digest}`, actual: "no file",
    });
    return;
  }
  findings.check(file.digest === digest, ["artifact.match", "artifact.mismatch"], [
    `the artifact "${name}" is sha256 ${digest}`, `the artifact "${name}" is not the one that the statement names`,
  ], { expected: `sha256 ${digest}`, actual: `sha256 ${file.digest}` });
}

// What is in `artifacts/` and is no regular file: links and devices, and folders that hold something.
function oddNames(bundle) {
  const names = new Set();
  for (const path of bundle.oddities.keys()) if (isBelow(path, "artifacts")) names.add(path.slice("artifacts/".length));
  for (const name of bundle.names("artifacts")) {
    const parts = name.split("/");
    if (parts.length > 1) names.add(parts[0]);
  }
  return names;
}

// Whether the lockfile, the log and the bill of materials are the ones that the statement names.
export function checkRecords(bundle, statement, findings) {
  const compareFile = (path, digest, code, name) => {
    if (digest === null) {
      findings.failed(`${code}.unnamed`, `the statement does not name ${name}`);
      return;
    }
    const file = bundle.file(path);
    if (file === null) {
      findings.notChecked(`${code}.absent`, `${name} is not in the bundle`, { expected: `sha256 ${digest}` });
      return;
    }
    findings.check(file.digest === digest, [`${code}.match`, `${code}.mismatch`], [
      `${name} is the one that the statement names`, `${name} is not the one that the statement names`,
    ], { expected: `sha256 ${digest}`, actual: `sha256 ${file.digest}` });
  };
  const { lockfile } = statement;
  compareFile(`build-config/${lockfile?.name ?? ""}`, lockfile?.sha256 ?? null, "lockfile", "the lockfile");
  const named = (name) => statement.byproducts.filter((one) => same(one.name, name));
  const logs = named("build.log");
  if (logs.length !== 1 || logs[0].sha256 === null) {
    findings.failed("build_log.unnamed", "the statement does not name one build.log with its sha256");
    return;
  }
  compareFile("build.log", logs[0].sha256, "build_log", "the build's log");
  const bills = named("sbom.cdx.json");
  // Statements of earlier versions name none; a bundle may then hold none.
  if (bills.length === 0 && bundle.file("sbom.cdx.json") === null) return;
  if (bills.length !== 1 || bills[0].sha256 === null) {
    findings.failed("sbom.unnamed", "the statement does not name one sbom.cdx.json with its sha256");
    return;
  }
  const expected = "application/vnd.cyclonedx+json; version=1.6";
  if (!same(bills[0].mediaType, expected)) {
    findings.failed("sbom.media_type", "the bill of materials is of an unknown kind", {
      expected, actual: bills[0].mediaType ?? "none",
    });
  }
  compareFile("sbom.cdx.json", bills[0].sha256, "sbom", "the bill of materials");
}
