// Azure's vTPM: root, hardware report, runtime data, attestation key, TPM quote; each vouches for the next.

import { concat, equal, fromBase64URL, fromHex, hex, isZero, Reader, uint32 } from "./bytes.js";
import { isPKCS1, pkcs1Key, sha256Bytes } from "./crypto.js";
import { format, requireMembers } from "./evidence.js";
import { EvidenceFault } from "./finding.js";
import { JSONFault, JSONObject, member, parse, string } from "./json.js";
import { verifySNP } from "./snp.js";
import { verifyTDX } from "./tdx.js";
import { same } from "./text.js";

function azureMembers(evidence) {
  const { members, place } = evidence;
  const last = evidence.platform === "az-snp" ? "vcek" : "td_quote";
  requireMembers(members, ["version", "tpm_quote", "hcl_report", last], place);
  const version = members.get("version");
  if (typeof version !== "bigint") throw format(`${place}'s version is not an integer`);
  if (version !== 1n) {
    throw new EvidenceFault("evidence.version", `the version of ${place} is unknown`, { expected: "1", actual: `${version}` });
  }
  const quote = members.get("tpm_quote");
  if (!(quote instanceof JSONObject)) throw format(`${place}'s tpm_quote is not an object`);
  requireMembers(quote, ["signature", "message", "pcrs"], `${place}'s tpm_quote`);
  const digits = (value, name) => {
    if (typeof value !== "string") throw format(`${place}'s ${name} is not a string`);
    const bytes = fromHex(value.toLowerCase());
    if (bytes === null) throw new EvidenceFault("tpm.format", `${place}'s ${name} is not hexadecimal digits`);
    return bytes;
  };
  const list = quote.get("pcrs");
  if (!Array.isArray(list)) throw format(`${place}'s pcrs are not a list`);
  const pcrs = list.map((value) => digits(value, "pcrs"));
  return {
    pcrs, message: digits(quote.get("message"), "message"), signature: digits(quote.get("signature"), "signature"),
    hclReport: evidence.bytes("hcl_report", true), endorsement: evidence.bytes(last, true),
  };
}

// What the paravisor keeps in the vTPM about the machine: a hardware report, and the runtime data that its report data digest.
async function readHCL(bytes, wanted) {
  const refuse = (what) => new EvidenceFault("hcl.format", `the HCL report ${what}`);
  const header = 0x4d4;
  if (bytes.length > 65_536 || bytes.length < header) throw refuse("is too short or too long");
  if (!equal(bytes.subarray(0, 4), new TextEncoder().encode("HCLA"))) throw refuse("does not begin with HCLA");
  const number = (offset) => uint32(bytes, offset);
  if (number(0x004) < 1 || number(0x004) > 2) throw refuse("is of an unknown version");
  if (number(0x00c) !== 2 || !isZero(bytes.subarray(0x010, 0x020))) throw refuse("is not of a report request that succeeded");
  if (number(0x4c4) !== 1) throw refuse("has runtime data of an unknown version");
  const type = number(0x4c8);
  if (type !== wanted) {
    throw new EvidenceFault("hcl.report_type", "the HCL report holds the report of other hardware", {
      expected: `${wanted}`, actual: `${type}`,
    });
  }
  if (number(0x4cc) !== 1) {
    throw new EvidenceFault("hcl.hash_type", "the HCL report's hash is not SHA-256", {
      expected: "1", actual: `${number(0x4cc)}`,
    });
  }
  const size = number(0x4d0);
  if (size > bytes.length - header || number(0x4c0) !== 20 + size || number(0x008) !== header + size) {
    throw refuse("has sizes that do not add up");
  }
  if (!isZero(bytes.subarray(header + size))) throw refuse("has something behind the runtime data");
  const hardwareReport = bytes.subarray(0x020, 0x020 + 1184);
  if (type === 4 && !isZero(hardwareReport.subarray(1024))) throw refuse("has something behind the TDREPORT");
  const runtimeData = bytes.subarray(header, header + size);
  return {
    hardwareReport, runtimeData, reportData: concat(await sha256Bytes(runtimeData), new Uint8Array(32)),
    hardwareReportData: hardwareReport.subarray(128, 192),
  };
}

// The vTPM's attestation key, and how the machine was configured.
function readRuntimeData(bytes) {
  const refuse = (what) => new EvidenceFault("hcl.vardata", `the HCL report's runtime data ${what}`);
  let json;
  try {
    json = parse(bytes);
  } catch (fault) {
    throw fault instanceof JSONFault ? refuse(`cannot be read: ${fault.message}`) : fault;
  }
  const list = member(json, "keys");
  const keys = Array.isArray(list) ? list.filter((key) => same(string(member(key, "kid")), "HCLAkPub")) : [];
  // Two keys of one name: which one signed?
  if (keys.length !== 1) throw refuse("do not hold exactly one HCLAkPub");
  const [key] = keys;
  const operations = member(key, "key_ops");
  const isForSigning = Array.isArray(operations) && operations.length === 1 && same(operations[0], "sign");
  if (!same(string(member(key, "kty")), "RSA") || !isForSigning) {
    throw refuse("have an attestation key that is not RSA or not for signatures alone");
  }
  const modulus = fromBase64URL(member(key, "n"));
  const exponent = fromBase64URL(member(key, "e"));
  const isUsual = exponent !== null && equal(exponent, [1, 0, 1]);
  if (modulus === null || modulus.length !== 256 || modulus[0] < 0x80 || !isUsual) {
    throw refuse("have an attestation key that is not RSA-2048 with exponent 65537");
  }
  const userData = member(json, "user-data") ?? null;
  return {
    modulus, configuration: member(json, "vm-configuration") ?? null,
    userData: typeof userData === "string" ? userData.toLowerCase() : userData,
  };
}

// extraData of a quote: what the one who asked for it wanted signed along.
async function verifyQuote({ message, signature, pcrs }, modulus) {
  const key = signature.length === 256 ? await pkcs1Key(modulus) : null;
  if (key === null || !(await isPKCS1(key, signature, message))) {
    throw new EvidenceFault("tpm.signature", "the TPM quote is not signed by the attestation key");
  }
  const whole = (value) => {
    if (value === null) throw new EvidenceFault("tpm.format", "the TPM quote's lengths do not add up");
    return value;
  };
  const reader = new Reader(message);
  // A restricted key signs any bytes that a guest hands it unless they begin with this number.
  if (whole(reader.big(4)) !== 0xff544347) {
    throw new EvidenceFault("tpm.magic", "the attestation key signed something that is not of the TPM's making");
  }
  const type = whole(reader.big(2));
  // Other structures carry extraData too.
  if (type !== 0x8018) {
    throw new EvidenceFault("tpm.type", "the TPM signed something that is not a quote", {
      expected: "0x8018", actual: `0x${type.toString(16)}`,
    });
  }
  whole(reader.sized());
  const extraData = whole(reader.sized());
  whole(reader.take(17));
  whole(reader.take(8));
  const selection = () => new EvidenceFault(
    "tpm.pcr_selection", "the TPM quote is not about exactly the 24 SHA-256 registers that are given");
  if (whole(reader.big(4)) !== 1) throw selection();
  const bank = whole(reader.big(2));
  const bitmap = whole(reader.take(whole(reader.big(1))));
  if (bank !== 0x000b || hex(bitmap) !== "ffffff" || pcrs.length !== 24) throw selection();
  const digest = reader.sized();
  if (digest === null || reader.remaining !== 0) whole(null);
  if (!pcrs.every((pcr) => pcr.length === 32) || !equal(await sha256Bytes(concat(...pcrs)), digest)) {
    throw new EvidenceFault("tpm.pcrs", "the registers' values are not those that the TPM quoted");
  }
  return extraData;
}

// Verifies evidence of a machine on Azure. Throws `EvidenceFault`.
export async function verifyAzure(evidence, roots, { amd, intel }, time) {
  const isSNP = evidence.platform === "az-snp";
  const parts = azureMembers(evidence);
  const hcl = await readHCL(parts.hclReport, isSNP ? 2 : 4);
  const runtime = readRuntimeData(hcl.runtimeData);
  const extraData = await verifyQuote(parts, runtime.modulus);
  const hardware = isSNP
    ? { snp: await verifySNP(hcl.hardwareReport, parts.endorsement, roots, amd, time) }
    : { tdx: await verifyTDX(parts.endorsement, roots, intel, time) };
  const { reportData } = hardware.snp ?? hardware.tdx;
  // Only its own machine can check the MAC over a TDREPORT.
  if (!isSNP && !equal(hcl.hardwareReportData, reportData)) {
    throw new EvidenceFault("hcl.tdreport", "the quote is of another guest than the HCL report");
  }
  if (!equal(reportData, hcl.reportData)) {
    throw new EvidenceFault("hcl.binding", "the hardware does not vouch for the HCL report's runtime data", {
      expected: hex(hcl.reportData), actual: hex(reportData),
    });
  }
  const { configuration, userData } = runtime;
  return { ...hardware, vtpm: { extraData, pcrs: parts.pcrs, configuration, userData } };
}
