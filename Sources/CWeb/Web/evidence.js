// `evidence.json`: which platform it claims to be of, and that platform's members; and the evidence of a software key.

import { equal, fromBase64, fromBase64URL, fromHex, hex, isZero } from "./bytes.js";
import { curveKey, isECDSA, rawSignature, sha256 } from "./crypto.js";
import { EvidenceFault } from "./finding.js";
import { JSONFault, JSONObject, parse, string } from "./json.js";
import { same, sorted } from "./text.js";

const platforms = new Map([
  ["software", "software"], ["snp", "sev-snp"], ["gcp-snp", "sev-snp"], ["tdx", "tdx"], ["gcp-tdx", "tdx"], ["dstack", "tdx"],
  ["az-snp", "az-snp"], ["az-tdx", "az-tdx"],
]);

export const format = (message) => new EvidenceFault("evidence.format", message);

// Refuses an object that lacks one of `names`, or has another member than those and the `optional` ones.
export function requireMembers(object, names, place, optional = []) {
  const known = [...names, ...optional];
  const unknown = sorted(object.keys().filter((name) => !known.some((one) => same(one, name))))[0];
  if (unknown !== undefined) throw format(`${place} has an unknown member "${unknown}"`);
  const missing = sorted(names.filter((name) => !object.has(name)))[0];
  if (missing !== undefined) throw format(`${place} has no member "${missing}"`);
}

export class Evidence {
  // Throws `EvidenceFault`.
  constructor(bytes) {
    let json;
    try {
      json = parse(bytes, 10 * 1024 * 1024);
    } catch (fault) {
      if (!(fault instanceof JSONFault)) throw fault;
      const code = fault.isDuplicate ? "json.duplicate" : "evidence.format";
      throw new EvidenceFault(code, `the evidence cannot be read: ${fault.message}`);
    }
    if (!(json instanceof JSONObject)) throw format("the evidence is not a JSON object");
    requireMembers(json, ["evidence", "platform"], "the evidence");
    const name = json.get("platform");
    if (typeof name !== "string") throw format("the evidence's platform is not a string");
    const platform = platforms.get(name.normalize("NFC"));
    if (platform === undefined) {
      throw new EvidenceFault("evidence.platform", `the evidence names the unknown platform "${name}"`);
    }
    const members = json.get("evidence");
    if (!(members instanceof JSONObject)) throw format("the evidence's content is not a JSON object");
    this.platform = platform;
    this.platformName = name;
    this.members = members;
  }

  get place() {
    return `the ${this.platformName} evidence`;
  }

  // A member in canonical base64, or base64url.
  bytes(name, isURL = false) {
    const text = string(this.members.get(name));
    if (text === null) throw format(`${this.place}'s ${name} is not a string`);
    const bytes = isURL ? fromBase64URL(text) : fromBase64(text);
    if (bytes === null) throw format(`${this.place}'s ${name} is not canonical base64${isURL ? "url" : ""}`);
    return bytes;
  }
}

// The DER SubjectPublicKeyInfo of a P-256 key up to its uncompressed point (RFC 5480).
const p256Prefix = fromHex("3059301306072a8648ce3d020106082a8648ce3d030107034200");

// Verifies evidence of a software key: what was signed, and the key's fingerprint.
export async function verifySoftware(evidence) {
  const { members } = evidence;
  requireMembers(members, ["algorithm", "public_key", "signature", "signed_data"], "the software evidence");
  const text = (name) => {
    const value = string(members.get(name));
    if (value === null) throw format(`the software evidence's ${name} is not a string`);
    return value;
  };
  const decoded = (name) => {
    const bytes = fromBase64(text(name));
    if (bytes === null) throw format(`the software evidence's ${name} is not canonical base64`);
    return bytes;
  };
  const algorithm = text("algorithm");
  if (!same(algorithm, "ecdsa-p256-sha256")) {
    throw new EvidenceFault("evidence.algorithm", `the evidence is signed with the unknown algorithm "${algorithm}"`);
  }
  const der = decoded("public_key");
  const isWhole = der.length === p256Prefix.length + 65 && equal(der.subarray(0, p256Prefix.length), p256Prefix);
  const key = isWhole ? await curveKey(der.subarray(p256Prefix.length), "P-256") : null;
  if (key === null) throw new EvidenceFault("evidence.key", "the evidence's public key is not a P-256 key in DER");
  const signed = fromHex(text("signed_data"));
  if (signed === null || signed.length !== 48) {
    throw format("the software evidence's signed_data is not 96 lower-case hexadecimal digits");
  }
  const raw = rawSignature(decoded("signature"));
  if (raw === null || !(await isECDSA(key, "SHA-256", raw, signed))) {
    throw new EvidenceFault("evidence.signature", "the evidence's signature is not by its public key over its signed data");
  }
  return { signed, key: await sha256(der) };
}

// Whether the evidence was made for this statement: SHA-256 of its file, a nonce, and zeros. What was signed as that, or null.
export function checkBinding(statementDigest, signed, findings) {
  const data = signed.length >= 48 ? signed.subarray(0, 48) : null;
  const isPadded = isZero(signed.subarray(48));
  const statement = data === null ? null : hex(data.subarray(0, 32));
  const isBound = data !== null && isPadded && statement === statementDigest;
  findings.check(isBound, ["binding.statement", "binding.mismatch"], [
    "the evidence was made for this statement", "the evidence was made for another statement",
  ], { expected: statementDigest ?? "a statement", actual: isPadded ? (statement ?? hex(signed)) : hex(signed) });
  return isBound;
}

// Whether the nonce that was signed is the one that the statement records, and the one that is wanted.
export function checkNonce({ signed, recorded, wanted, isStatementKnown }, findings) {
  if (signed === null) {
    const message = "without genuine evidence there is no nonce";
    if (wanted === null) findings.notChecked("nonce.unknown", message);
    else findings.undetermined("nonce.unknown", message, { expected: wanted });
    return;
  }
  const none = hex(new Uint8Array(16));
  const shown = signed === none ? "none" : signed;
  if (isStatementKnown) {
    const expected = signed === none && recorded === null ? null : signed;
    if (!same(recorded, expected)) {
      findings.failed("nonce.record", "the statement's nonce is not the one that was signed", {
        expected: expected ?? "none", actual: recorded ?? "none",
      });
    }
  }
  if (wanted === null) {
    findings.notChecked("nonce.unasked", "no nonce was asked for", { actual: shown });
    return;
  }
  findings.check(signed === wanted, ["nonce.match", "nonce.mismatch"], [
    "the evidence was made for your nonce", "the evidence was made for another nonce",
  ], { expected: wanted, actual: shown });
}

// Reads a nonce of 32 hexadecimal digits, dashes between two of them allowed; null for any other text.
export function nonce(text) {
  const value = text.trim();
  if (!/^[0-9A-Fa-f]+(-[0-9A-Fa-f]+)*$/.test(value)) return null;
  const digits = value.replaceAll("-", "").toLowerCase();
  return digits.length === 32 ? digits : null;
}
