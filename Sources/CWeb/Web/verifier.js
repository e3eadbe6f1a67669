// Decides whether a bundle is to be accepted, as `kettle verify --json` does: the same findings, in the same order.
//
// Every check runs, so that one reading shows every finding. Doubt is a no: what this version does not know is refused by name, and
// what it could not find out is no acceptance either.

import { hex } from "./bytes.js";
import { BundleFault, readBundle, tooLarge, memoryLimit } from "./bundle.js";
import { checkStatement, receive } from "./checks.js";
import { sha256 } from "./crypto.js";
import { checkBinding, checkNonce, Evidence, verifySoftware } from "./evidence.js";
import { checkExpectations } from "./expected.js";
import { Undetermined } from "./fault.js";
import { checkArtifacts, checkLayout, checkRecords } from "./files.js";
import { EvidenceFault, Finding, Findings, Verdict } from "./finding.js";
import { checkHardware, checkHardwareOfSoftware } from "./hardware.js";
import { JSONFault, parse } from "./json.js";
import { isOriginal, verifyOriginal } from "./original.js";
import { timeText } from "./statement.js";

// What is asked; `kettle verify` without options asks this.
export const questions = () => ({
  // Fingerprints of the software keys whose word is taken.
  softwareKeys: [],
  // 32 hexadecimal digits, or null.
  nonce: null,
  // Seconds since 1970.
  time: Math.floor(Date.now() / 1000),
  judgesAtBuildTime: false,
  // A builder's id, a source's pattern as `sourcePattern` reads it, a commit in hexadecimal digits; null for any.
  builder: null,
  source: null,
  commit: null,
  // Launch digests in hexadecimal digits, or null for none.
  measurements: null,
  acceptsAnyMeasurement: false,
  leavesArtifactsOut: false,
  // Other roots and collateral than the vendors' and the bundle's own: for tests.
  roots: null,
  collateral: null,
});

// The verdict on the bytes of a bundle.
export async function verify(bytes, asked) {
  return (await examine(bytes, asked)).verdict;
}

// The verdict, and the bundle where it could be read.
export async function examine(bytes, asked) {
  let bundle = null;
  try {
    if (bytes.length > memoryLimit) throw tooLarge();
    bundle = await readBundle(bytes);
    const verdict = await verifyBundle(bundle, asked);
    if (verdict.outcome !== "accepted" || !bundle.isTextDoubtful) return { bundle, verdict };
    const doubt = new Finding("undetermined", "browser.text",
      "its text has letters that join others, of which a browser cannot tell for sure what kettle verify reads in them");
    return { bundle, verdict: new Verdict([...verdict.findings, doubt]) };
  } catch (fault) {
    const isRejected = fault instanceof BundleFault;
    if (!isRejected && !(fault instanceof Undetermined)) throw fault;
    return { bundle, verdict: new Verdict([new Finding(isRejected ? "failed" : "undetermined", fault.code, fault.message)]) };
  }
}

async function verifyBundle(bundle, asked) {
  const findings = new Findings();
  const json = readDocument(bundle, findings);
  if (json !== undefined && isOriginal(json)) return verifyOriginal(bundle, json, asked);
  const statementDigest = bundle.statement === null ? null : await sha256(bundle.statement);
  const statement = json === undefined ? null : receive(json, bundle.statement, findings);
  const evidence = readEvidence(bundle, findings);
  const claims = statement === null ? null : claimsOf(statement);

  const result = evidence === null ? {} : await checkEvidence(evidence, bundle, claims, asked, findings);
  const signed = result.signed ?? null;
  const isBound = signed !== null && checkBinding(statementDigest, signed, findings);
  checkLayout(bundle, statement, evidence?.platform ?? null, findings);
  if (statement !== null) {
    await checkStatement(statement, json, evidence?.platform ?? null, asked.time, findings);
    checkArtifacts(bundle, statement.subject, asked.leavesArtifactsOut, findings);
    checkRecords(bundle, statement, findings);
    checkExpectations(claims, asked, findings);
  }
  const signedNonce = signed === null || signed.length < 48 ? null : hex(signed.subarray(32, 48));
  checkNonce({
    signed: signedNonce, recorded: statement?.externalParameters.get("nonce") ?? null, wanted: asked.nonce,
    isStatementKnown: statement !== null,
  }, findings);
  const isVerified = statement !== null && result.isAccepted === true && isBound;
  return new Verdict(findings, isVerified ? verified(json, statementDigest, evidence, signedNonce, result) : null);
}

// The members of an accepted bundle's verdict.
export function verified(json, statementDigest, evidence, signedNonce, result) {
  return {
    platform: evidence.platform, provenance_sha256: statementDigest, software_key: result.softwareKey,
    evidence_time: result.time === undefined ? undefined : timeText(result.time), evidence: result.facts,
    nonce: /^0*$/.test(signedNonce) ? undefined : signedNonce, provenance: json,
  };
}

function readDocument(bundle, findings) {
  if (bundle.statement === null) {
    findings.failed("provenance.missing", "there is no provenance.json");
    return undefined;
  }
  try {
    return parse(bundle.statement);
  } catch (fault) {
    if (!(fault instanceof JSONFault)) throw fault;
    findings.failed("provenance.format", `provenance.json cannot be read: ${fault.message}`);
    return undefined;
  }
}

export function readEvidence(bundle, findings) {
  if (bundle.evidence === null) {
    findings.failed("evidence.missing", "there is no evidence.json");
    return null;
  }
  try {
    return new Evidence(bundle.evidence);
  } catch (fault) {
    if (!(fault instanceof EvidenceFault)) throw fault;
    findings.push(fault.finding);
    return null;
  }
}

// What a statement says of itself, as far as it is asked about.
function claimsOf(statement) {
  const parameters = statement.externalParameters;
  return {
    builderID: statement.builderID, source: parameters.get("source") ?? "", requestedRef: parameters.get("ref") ?? null,
    commit: statement.dependencies[0]?.digest.get("gitCommit") ?? null, finishedOn: statement.finishedOn,
  };
}

// Whether the evidence is genuine, and of something that is taken for good: `signed`, `isAccepted`, and who vouches.
export async function checkEvidence(evidence, bundle, claims, asked, findings) {
  if (evidence.platform !== "software") return checkHardware(evidence, bundle.collateral, claims, asked, findings);
  let signature;
  try {
    signature = await verifySoftware(evidence);
  } catch (fault) {
    if (!(fault instanceof EvidenceFault)) throw fault;
    findings.push(fault.finding);
    return {};
  }
  findings.passed("evidence.signature", "the evidence's signature is genuine");
  const isNamed = asked.softwareKeys.includes(signature.key);
  findings.check(isNamed, ["software_key.named", "software_key.unnamed"], [
    `the software key ${signature.key} signed it, which you named`,
    "a software key signed it that you did not name; --software-key names one that you trust",
  ], { expected: [...asked.softwareKeys].sort().join(", ") || "no software key was named", actual: signature.key });
  const measuresNothing = checkHardwareOfSoftware(asked, findings);
  return { signed: signature.signed, softwareKey: signature.key, isAccepted: isNamed && measuresNothing };
}
