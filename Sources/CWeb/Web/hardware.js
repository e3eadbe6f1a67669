// Whether hardware's evidence is genuine, when, and whether what the hardware measured is what was asked for.
//
// Collateral that comes in the bundle is Intel's and AMD's word of the build's time. Whoever forges a bundle can leave it out, so that it
// is old is no worse than that it is missing: the evidence is then judged now without it, and then with it.

import { hex } from "./bytes.js";
import { intelFiles } from "./bundle.js";
import { EvidenceFault, Finding } from "./finding.js";
import { JSONObject } from "./json.js";
import { hardwarePolicy, reasonsAgainst } from "./policy.js";
import { Roots } from "./roots.js";
import { snpFacts, snpMembers, tcbText, verifySNP, windowText } from "./snp.js";
import { timeText } from "./statement.js";
import { tdxFacts, tdxMembers, verifyTDX } from "./tdx.js";
import { verifyAzure } from "./azure.js";

// What the chip makers publish, from files by name; null where there are none.
function collateralOf(files) {
  if (files === null || files.size === 0) return null;
  const missing = intelFiles.find((name) => !files.has(name));
  if (missing !== undefined && intelFiles.some((name) => files.has(name))) {
    throw new EvidenceFault("collateral.missing", `the collateral lacks ${missing}, and a part of it says nothing`);
  }
  return {
    intel: missing === undefined ? files : null, amd: files.get("amd_crl.der") ?? null,
    endorsement: files.get("vek.der") ?? null,
  };
}

// Verifies evidence of any hardware at a time: the first reason not to believe it is thrown.
async function verifyEvidence(evidence, roots, collateral, time) {
  const { platform } = evidence;
  const isTDX = platform === "tdx" || platform === "az-tdx";
  if (collateral !== null && isTDX && collateral.intel === null) {
    throw new EvidenceFault("collateral.missing", "the collateral holds nothing for TDX");
  }
  if (collateral !== null && !isTDX && collateral.amd === null && collateral.endorsement === null) {
    throw new EvidenceFault("collateral.missing", "the collateral holds nothing for SEV-SNP");
  }
  const { intel, amd, endorsement } = collateral ?? { intel: null, amd: null, endorsement: null };
  const hardware = await verifyPlatform(evidence, roots, { intel, amd, endorsement }, time);
  const one = hardware.snp ?? hardware.tdx;
  const { launchDigest, reportData, window, signatures, isRevocationChecked } = one;
  const all = hardware.vtpm ? { ...signatures, "rsa2048-pkcs1-sha256": 1 } : signatures;
  return {
    ...hardware, platformName: evidence.platformName, launchDigest, reportData, window, isRevocationChecked,
    signatures: all, signed: hardware.vtpm?.extraData ?? reportData,
  };
}

async function verifyPlatform(evidence, roots, collateral, time) {
  if (evidence.platform === "sev-snp") {
    const parts = snpMembers(evidence);
    const endorsement = parts.endorsement ?? collateral.endorsement;
    if (endorsement === null) {
      throw new EvidenceFault("chain.missing", "there is no certificate of the key that signed, and none is fetched");
    }
    return { snp: await verifySNP(parts.report, endorsement, roots, collateral.amd, time) };
  }
  if (evidence.platform === "tdx") return { tdx: await verifyTDX(tdxMembers(evidence), roots, collateral.intel, time) };
  return verifyAzure(evidence, roots, collateral, time);
}

// What was read of it, as `kettle evidence` prints it (`docs/verifying.md`, "Facts").
function factsOf(verified) {
  const { platformName, launchDigest, reportData, signed, window, signatures, snp, tdx, vtpm } = verified;
  const azure = vtpm === undefined ? {} : {
    vm_configuration: vtpm.configuration, user_data: vtpm.userData, pcrs: vtpm.pcrs.map((pcr) => hex(pcr)),
    tpm_nonce: hex(vtpm.extraData),
  };
  const facts = {
    platform: platformName, launch_digest: hex(launchDigest), report_data: hex(reportData), signed_data: hex(signed),
    valid_window: [timeText(window.first), timeText(window.last)], signature_verifications: JSONObject.of(signatures),
    ...(snp ? snpFacts(snp) : tdxFacts(tdx)), ...azure,
  };
  if (facts.tcb_parts) facts.tcb_parts = JSONObject.of(facts.tcb_parts);
  return JSONObject.of(facts);
}

// The checks of a bundle's evidence: `signed`, `isAccepted`, `facts`, `time`.
export async function checkHardware(evidence, files, claims, asked, findings) {
  const time = timeOf(claims, asked, findings);
  if (time === null) return {};
  const roots = new Roots(asked.roots);
  const policy = { ...(asked.hardware ?? hardwarePolicy()) };
  policy.launchDigests = asked.measurements ?? policy.launchDigests;
  let verified;
  try {
    verified = await verifyNow(evidence, files, roots, claims, asked, policy, time, findings);
  } catch (fault) {
    if (!(fault instanceof EvidenceFault)) throw fault;
    findings.push(fault.finding);
    await noteBuildTime(fault, evidence, files, roots, claims, asked, findings);
    if (isAsked(policy)) {
      findings.undetermined(
        "measurement.unknown",
        "without genuine evidence there is no measurement, and nothing else that was asked of the hardware");
    }
    return {};
  }
  findings.passed(
    "evidence.signature", `the evidence is genuine at ${timeText(time)}, and ${windowText(verified.window)}: ${text(verified)}`);
  if (!verified.isRevocationChecked) {
    const age = verified.tdx ? " or how old the firmware is" : "";
    findings.notChecked(
      "collateral.none",
      `nothing tells what is revoked${age} at ${timeText(time)}; --collateral names what does`);
  }
  const isAccepted = appraise(verified, policy, asked, findings);
  return { signed: verified.signed, isAccepted, facts: factsOf(verified), time };
}

const isAsked = (policy) => {
  const plain = hardwarePolicy();
  return Object.keys(plain).some((name) =>
    policy[name] instanceof Map ? policy[name].size > 0 : policy[name] !== plain[name]);
};

// When the evidence has to be genuine.
function timeOf(claims, asked, findings) {
  if (!asked.judgesAtBuildTime) return asked.time;
  if (claims !== null && claims.finishedOn !== null) return claims.finishedOn;
  findings.undetermined("evidence.time", "the statement does not tell when the build ended");
  return null;
}

async function verifyNow(evidence, files, roots, claims, asked, policy, time, findings) {
  const own = collateralOf(asked.collateral);
  if (own !== null || files.size === 0) return verifyEvidence(evidence, roots, own, time);
  const collateral = collateralOf(files);
  try {
    return await verifyEvidence(evidence, roots, collateral, time);
  } catch (fault) {
    if (!(fault instanceof EvidenceFault) || fault.code !== "collateral.expired") throw fault;
  }
  const now = await verifyEvidence(evidence, roots, null, time);
  const built = claims?.finishedOn ?? null;
  if (built === null) {
    throw new EvidenceFault(
      "collateral.expired", `the bundle's collateral is not of ${timeText(time)}, and the build's time is not known`);
  }
  const then = await verifyEvidence(evidence, roots, collateral, built);
  const reason = reasonsAgainst(then, policy).find((one) => one.code === "tcb.status");
  if (reason !== undefined) throw reason;
  findings.passed(
    "evidence.then", `when the statement says that the build ended, ${timeText(built)}, ${state(then)}`);
  return now;
}

function state({ tdx }) {
  const tcb = tdx?.platformTCB ?? null;
  if (tcb === null) return "nothing in the chain was revoked";
  const advisories = tcb.advisories.length === 0 ? "" : ` (${tcb.advisories.join(", ")})`;
  return `the platform was ${tcb.status}${advisories} and nothing in the chain was revoked`;
}

// What time alone stands in the way of may have been right once. Whether that is enough is not for us to say.
async function noteBuildTime(fault, evidence, files, roots, claims, asked, findings) {
  const built = claims?.finishedOn ?? null;
  if (!fault.isAboutTime || asked.judgesAtBuildTime || built === null) return;
  try {
    let collateral = collateralOf(asked.collateral);
    try {
      collateral ??= collateralOf(files);
    } catch {
      collateral = null;
    }
    const { window } = await verifyEvidence(evidence, roots, collateral, built);
    findings.notChecked(
      "evidence.then",
      `at ${timeText(built)}, when the statement says that the build ended, the evidence was genuine; --at build judges it then`,
      { expected: windowText(window), actual: fault.actual });
  } catch (other) {
    if (!(other instanceof EvidenceFault)) throw other;
  }
}

function text({ platformName, snp, tdx }) {
  const words = [platformName];
  if (snp) {
    const { version, signingKey, vmpl } = snp.report;
    words.push(`report version ${version}, ${signingKey}, VMPL ${vmpl}`, tcbText(snp.tcb));
  } else {
    const tcb = tdx.platformTCB;
    words.push(`quote version ${tdx.quote.version}`, tcb === null ? "firmware of unknown state" : `firmware ${tcb.status}`);
  }
  return words.join("; ");
}

function appraise(verified, policy, asked, findings) {
  const reasons = reasonsAgainst(verified, policy);
  findings.push(...reasons.map((reason) => reason.finding));
  const has = (code) => reasons.some((reason) => reason.code === code);
  if (!has("policy.debug")) {
    const isDebug = verified.snp ? verified.snp.report.allowsDebug : verified.tdx.quote.body.isDebug;
    if (isDebug) {
      findings.notChecked("policy.debug", "the guest can be debugged, which is accepted here", {
        actual: "its host can read and change it",
      });
    } else findings.passed("policy.debug", "the guest cannot be debugged");
  }
  const isMeasured = checkMeasurement(verified, policy, has("policy.launch_digest"), asked, findings);
  return reasons.length === 0 && isMeasured;
}

// Whether somebody vouches for what was started. Without that, whoever rents such a machine can sign anything.
function checkMeasurement(verified, policy, isOther, asked, findings) {
  const actual = hex(verified.launchDigest);
  if (policy.launchDigests === null) {
    if (asked.acceptsAnyMeasurement) {
      findings.notChecked("measurement.any", "any measurement will do: some machine of its kind signed", { actual });
      return true;
    }
    findings.failed(
      "measurement.unvouched",
      "nothing vouches for what the hardware measured: anyone's machine of its kind could have signed. "
        + "--measurement names a launch digest that you trust",
      { expected: "a measurement from the builder", actual });
    return false;
  }
  if (!isOther) {
    findings.passed("policy.launch_digest", "the hardware measured an image that is wanted", { actual });
  }
  if (verified.vtpm && policy.pcrs.size === 0) {
    findings.notChecked(
      "measurement.pcrs",
      "the launch digest is of the cloud's paravisor, which every renter's machine has; what runs above it shows in the "
        + "vTPM's registers, which nobody asked for (--pcr, pcrs in the policy)",
      { actual });
  }
  if (!verified.vtpm && verified.tdx && policy.rtmrs.size === 0) {
    findings.notChecked(
      "measurement.rtmrs",
      "the launch digest is of the firmware that was started; what it started shows in RTMR0 to RTMR3, which nobody "
        + "asked for (--rtmr)",
      { actual: verified.tdx.quote.body.rtmr.map((value) => hex(value)).join(" ") });
  }
  return true;
}

// Software evidence comes from no measured image and no firmware. Doubt is a no.
export function checkHardwareOfSoftware(asked, findings) {
  const actual = "software evidence";
  const policy = asked.hardware ?? hardwarePolicy();
  const reasons = [];
  const refuse = (code, message) => reasons.push(new Finding("failed", code, message, { actual }));
  if ((asked.measurements ?? policy.launchDigests) !== null) {
    refuse("policy.launch_digest", "software evidence has no measurement");
  }
  if (policy.rtmrs.size > 0) refuse("policy.rtmrs", "software evidence has no registers");
  if (policy.pcrs.size > 0) refuse("policy.pcrs", "software evidence has no registers");
  if (policy.hostData !== null) refuse("policy.host_data", "software evidence has no host data");
  if (policy.minimumTCB.size > 0 || policy.tcbStatuses !== null) {
    refuse("policy.min_tcb", "software evidence says nothing of a firmware's version");
  }
  if (asked.acceptsAnyMeasurement) {
    findings.notChecked("measurement.none", "any measurement would do, and software evidence has none", { actual: "none" });
  }
  findings.push(...reasons);
  return reasons.length === 0;
}
