// What hardware's evidence has to say beside being genuine. The initial values refuse what lets someone else than the guest's owner into
// the guest, and ask nothing of what was started.

import { hex } from "./bytes.js";
import { EvidenceFault } from "./finding.js";
import { tcbText } from "./snp.js";
import { acceptedStatuses } from "./tcbinfo.js";
import { sorted } from "./text.js";

export const hardwarePolicy = () => ({
  // Launch digests that may have been measured, in hexadecimal digits; null accepts any.
  launchDigests: null,
  // By number, lists of values in hexadecimal digits: a vTPM's registers, and RTMR0 to RTMR3 of TDX.
  pcrs: new Map(),
  rtmrs: new Map(),
  hostData: null,
  allowsDebug: false,
  allowsMigration: false,
  allowsMultithreading: true,
  // null for 0 alone.
  vmpls: null,
  // null for those of whatever runs the newest firmware.
  tcbStatuses: null,
  // By part.
  minimumTCB: new Map(),
});

const or = (values) => sorted(values).join(" or ");

// Every reason not to accept genuine evidence; empty when there is none.
export function reasonsAgainst(verified, policy) {
  const reasons = [];
  const refuse = (code, message, values) => reasons.push(new EvidenceFault(code, message, values));
  if (verified.snp) appraiseSNP(verified.snp, verified.vtpm !== undefined, policy, refuse);
  else appraiseTDX(verified.tdx, policy, refuse);
  appraiseIdentity(verified, policy, refuse);
  return reasons;
}

const debug = ["policy.debug", "the guest can be debugged: its host can read and change it"];

function appraiseSNP({ report, tcb }, hasVTPM, policy, refuse) {
  if (report.allowsDebug && !policy.allowsDebug) refuse(...debug);
  if (report.allowsMigration && !policy.allowsMigration) {
    refuse("policy.migration", "the guest may be handed to a migration agent");
  }
  if (report.allowsMultithreading && !policy.allowsMultithreading) {
    refuse("policy.smt", "the guest may share a core's threads with others");
  }
  // A guest above the paravisor could vouch for an attestation key of its own making.
  const allowed = policy.vmpls ?? [0];
  if (!allowed.includes(report.vmpl) || (hasVTPM && report.vmpl !== 0)) {
    const levels = hasVTPM ? allowed.filter((one) => one === 0) : [...allowed].sort();
    refuse("policy.vmpl", "the report was asked for at another privilege level", {
      expected: `VMPL ${levels.join(" or ")}`, actual: `VMPL ${report.vmpl}`,
    });
  }
  if (policy.tcbStatuses !== null) {
    refuse("tcb.status", "SEV-SNP's firmware has versions, and no state that could be one of these", {
      expected: or(policy.tcbStatuses), actual: "SEV-SNP",
    });
  }
  const parts = [...policy.minimumTCB.keys()].sort().flatMap((part) => {
    const behind = policy.minimumTCB.get(part) - (tcb[part] ?? -1);
    if (behind <= 0) return [];
    return [tcb[part] === undefined ? `${part} is missing` : `${part} lies ${behind} behind`];
  });
  if (parts.length > 0) {
    refuse("policy.min_tcb", `the firmware is older than wanted: ${parts.join(", ")}`, {
      expected: `at least ${tcbText(Object.fromEntries(policy.minimumTCB))}`, actual: tcbText(tcb),
    });
  }
}

function appraiseTDX({ quote, platformTCB: tcb }, policy, refuse) {
  const { body } = quote;
  const actual = hex(body.attributes);
  if (body.isDebug && !policy.allowsDebug) refuse(...debug);
  if ((body.attributes[0] & 0xfe) !== 0) {
    refuse("policy.attributes", "attributes of the guest that make it untrusted are set", {
      expected: "bits 7 to 1 of TDATTRIBUTES zero", actual,
    });
  }
  if (body.isMigratable && !policy.allowsMigration) {
    refuse("policy.migration", "the guest may be taken elsewhere by a migration guest of its host's choice", {
      expected: "bit 29 of TDATTRIBUTES zero", actual,
    });
  }
  if (policy.minimumTCB.size > 0) {
    refuse("policy.min_tcb", "TDX's firmware has no versions of these parts; Intel's TCB status speaks for it", {
      expected: `at least ${tcbText(Object.fromEntries(policy.minimumTCB))}`, actual: "TDX",
    });
  }
  const accepted = policy.tcbStatuses ?? acceptedStatuses;
  if (tcb === null && policy.tcbStatuses !== null) {
    refuse("tcb.status", "there is no collateral that would tell the state of the platform's firmware", {
      expected: or(accepted), actual: "unknown",
    });
  }
  if (tcb !== null && (tcb.status === "Revoked" || !accepted.includes(tcb.status))) {
    const shortfall = tcb.shortfall === "" ? "" : `: ${tcb.shortfall}`;
    const advisories = tcb.advisories.length === 0 ? "" : ` (${tcb.advisories.join(", ")})`;
    refuse("tcb.status", "the platform's firmware is not in an accepted state", {
      expected: or(accepted), actual: tcb.status + shortfall + advisories,
    });
  }
}

function appraiseIdentity({ snp, tdx, vtpm, launchDigest }, policy, refuse) {
  if (policy.hostData !== null) {
    const actual = hex(snp ? snp.report.hostData : tdx.quote.body.mrConfigID);
    if (!policy.hostData.includes(actual)) {
      refuse("policy.host_data", "the host data are not those that are wanted", { expected: or(policy.hostData), actual });
    }
  }
  const registers = (wanted, code, name, found, missing) => {
    for (const number of [...wanted.keys()].sort((left, right) => left - right)) {
      const actual = found?.[number] === undefined ? null : hex(found[number]);
      if (actual !== null && wanted.get(number).includes(actual)) continue;
      refuse(code, `${name}${number} does not have a value that is wanted`, {
        expected: or(wanted.get(number)), actual: actual ?? missing,
      });
    }
  };
  registers(policy.pcrs, "policy.pcrs", "PCR ", vtpm?.pcrs, "there is no vTPM");
  registers(policy.rtmrs, "policy.rtmrs", "RTMR", tdx?.quote.body.rtmr, "SEV-SNP has none");
  if (policy.launchDigests !== null && !policy.launchDigests.includes(hex(launchDigest))) {
    refuse("policy.launch_digest", "the hardware measured another image than one that is wanted", {
      expected: or(policy.launchDigests), actual: hex(launchDigest),
    });
  }
}
