// A quote of Intel TDX: root, PCK, quoting enclave, attestation key, quote (Intel, "TDX DCAP Quoting Library API" rev. 0.9).

import { concat, equal, fromBase64, fromHex, hex, isZero, Reader, uint16, uint32 } from "./bytes.js";
import { Certificate, Window } from "./certificate.js";
import { curveKey, isECDSA, sha256Bytes } from "./crypto.js";
import { DERFault, parseDER, tags } from "./der.js";
import { format, requireMembers } from "./evidence.js";
import { EvidenceFault } from "./finding.js";
import { string } from "./json.js";
import { pemCertificates } from "./pem.js";
import { expired } from "./snp.js";
import { pinnedIdentity } from "./tcbinfo.js";
import { appraisePlatform } from "./tdxcollateral.js";
import { byteCount, same } from "./text.js";

// Event logs and configurations are not signed, and are passed over.
export function tdxMembers(evidence) {
  const { members, place } = evidence;
  if (!same(evidence.platformName, "dstack")) {
    requireMembers(members, ["quote"], place, ["cc_eventlog"]);
    const log = members.get("cc_eventlog") ?? null;
    if (log !== null && fromBase64(log) === null) throw format(`${place}'s cc_eventlog is not canonical base64`);
    return evidence.bytes("quote");
  }
  requireMembers(members, ["quote"], place, ["event_log", "vm_config"]);
  const text = string(members.get("quote"));
  // The shortest quote that was ever written in hexadecimal digits has 1,264.
  const digits = text !== null && byteCount(text) >= 1264 ? fromHex(text.toLowerCase()) : null;
  return digits ?? evidence.bytes("quote");
}

const short = () => new EvidenceFault("quote.length", "the sizes in the quote do not add up to its length");
const vendor = "939a7233f79c4ca9940a0db3957f0607";

// Reads a quote's layout. Whether it is genuine, `verifyTDX` tells.
function readQuote(bytes) {
  const reader = new Reader(bytes);
  const header = taken(reader.take(48));
  const version = uint16(header, 0);
  const refuse = (code, message, expected, actual) => new EvidenceFault(code, message, { expected, actual });
  if (version !== 4 && version !== 5) {
    throw refuse("quote.version", "the quote's version is unknown", "4 or 5", `${version}`);
  }
  const keyType = uint16(header, 2);
  if (keyType !== 2) {
    throw refuse("quote.key_type", "the attestation key's type is unknown", "2 (ECDSA P-256)", `${keyType}`);
  }
  const teeType = uint32(header, 4);
  if (teeType !== 0x81) throw refuse("quote.tee_type", "the quote is not of TDX", "0x81", `0x${teeType.toString(16)}`);
  const actualVendor = hex(header.subarray(12, 28));
  if (actualVendor !== vendor) {
    throw refuse("quote.vendor", "the quoting enclave is not Intel's", vendor, actualVendor);
  }
  const body = readBody(reader, version);
  const signed = bytes.subarray(0, reader.position);
  const data = taken(reader.take(taken(reader.little(4))));
  if (!isZero(reader.rest)) throw new EvidenceFault("quote.trailing", "something follows the quote");
  const parts = new Reader(data);
  const signature = taken(parts.take(64));
  const attestationKey = taken(parts.take(64));
  const outer = certification(parts, 6);
  const report = taken(outer.take(384));
  const enclaveSignature = taken(outer.take(64));
  const authenticationData = taken(outer.take(taken(outer.little(2))));
  const enclave = {
    bytes: report, miscSelect: report.subarray(16, 20), attributes: report.subarray(48, 64),
    mrSigner: report.subarray(128, 160), productID: uint16(report, 256), securityVersion: uint16(report, 258),
    reportData: report.subarray(320, 384),
  };
  const certificates = certification(outer, 5).rest;
  return { version, body, signed, signature, attestationKey, enclave, enclaveSignature, authenticationData, certificates };
}

function taken(value) {
  if (value === null) throw short();
  return value;
}

// Certification data: its type in two bytes, its size in four, and itself, up to the end of what it stands in.
function certification(reader, type) {
  const actual = taken(reader.little(2));
  if (actual !== type) {
    throw new EvidenceFault("quote.cert_type", "the certification data is of another type", {
      expected: `${type}`, actual: `${actual}`,
    });
  }
  const data = taken(reader.take(taken(reader.little(4))));
  if (reader.remaining !== 0) throw short();
  return new Reader(data);
}

// TDREPORT_STRUCT and TDINFO_STRUCT (Intel, "TDX Module 1.5 ABI").
function readBody(reader, version) {
  let isExtended = false;
  if (version === 5) {
    const [type, size] = [taken(reader.little(2)), taken(reader.little(4))];
    isExtended = type === 3 && size === 648;
    if (!isExtended && !(type === 2 && size === 584)) {
      throw new EvidenceFault("quote.body_type", "the quote's body is of an unknown type or size", {
        expected: "type 2 of 584 bytes, or type 3 of 648", actual: `type ${type} of ${size} bytes`,
      });
    }
  }
  const bytes = taken(reader.take(isExtended ? 648 : 584));
  const field = (offset, count) => bytes.subarray(offset, offset + count);
  const attributes = field(120, 8);
  return {
    isExtended, teeTCBSVN: field(0, 16), mrSEAM: field(16, 48), mrSignerSEAM: field(64, 48), seamAttributes: field(112, 8),
    attributes, xfam: field(128, 8), mrTD: field(136, 48), mrConfigID: field(184, 48),
    rtmr: [0, 1, 2, 3].map((number) => field(328 + 48 * number, 48)), reportData: field(520, 64),
    isDebug: (attributes[0] & 1) === 1, isMigratable: (attributes[3] & 0x20) !== 0,
  };
}

// The platform's key, the CA that issued it, and Intel's root.
async function pckChain(pem, roots, time) {
  const certificates = pemCertificates(pem, { isQuote: true });
  if (certificates === null || certificates.length !== 3) {
    throw new EvidenceFault("chain.pck", "the quote does not hold exactly three certificates in PEM");
  }
  const root = await roots.intel();
  if (!equal(certificates[2], root.bytes)) {
    throw new EvidenceFault("chain.root", "the quote's root certificate is not the trusted one");
  }
  const intermediate = await Certificate.read(certificates[1]);
  const names = ["Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA"];
  if (intermediate === null || !(await intermediate.isIssued(root)) || !names.includes(intermediate.commonName)) {
    throw new EvidenceFault("chain.intermediate", "the intermediate certificate is not a PCK authority of the root's");
  }
  if (!intermediate.isAuthority || !intermediate.maySignCertificates) {
    throw new EvidenceFault("chain.ca", `${intermediate.commonName} may not sign certificates`);
  }
  const leaf = await Certificate.read(certificates[0]);
  if (leaf === null || !(await leaf.isIssued(intermediate)) || leaf.commonName !== "Intel SGX PCK Certificate"
    || leaf.publicKey.kind !== "p256") {
    throw new EvidenceFault("chain.pck", `the platform's certificate is not issued by ${intermediate.commonName}`);
  }
  if (leaf.isAuthority) throw new EvidenceFault("chain.ca", "the platform's certificate is an authority's");
  let window = Window.always;
  for (const certificate of [root, intermediate, leaf]) {
    if (!certificate.validity.contains(time)) throw expired(certificate, time);
    window = window.narrowed(certificate.validity);
  }
  return { root, intermediate, leaf, window, platform: platformOf(leaf) };
}

// 1.2.840.113741.1.13.1 in DER (Intel, "SGX PCK Certificate and CRL Profile Specification" rev. 1.4, section 1.3.5).
const extensionName = "2a864886f84d010d01";

function platformOf(leaf) {
  try {
    const value = leaf.extensions.get(extensionName);
    if (value === undefined) throw new DERFault();
    const all = entries(parseDER(value));
    const versions = entries(entry(all, "02"));
    const component = (number) => entry(versions, `02${number.toString(16).padStart(2, "0")}`).integer();
    const platform = {
      components: Array.from({ length: 16 }, (_, index) => component(index + 1)), pceSVN: component(17),
      pceID: entry(all, "03").primitive(tags.octets), fmspc: entry(all, "04").primitive(tags.octets),
    };
    const isWhole = platform.pceID.length === 2 && platform.fmspc.length === 6;
    if (!isWhole || platform.components.some((one) => one > 255)) throw new DERFault();
    return platform;
  } catch (fault) {
    if (!(fault instanceof DERFault)) throw fault;
    throw new EvidenceFault("chain.pck", "the platform's certificate says nothing of the platform that can be read");
  }
}

// A SEQUENCE of SEQUENCE { OID, value }: the values by what their identifiers have below ours.
function entries(node) {
  const list = node.elements(tags.sequence);
  const found = new Map();
  for (const one of list) {
    const parts = one.elements(tags.sequence);
    const type = parts.next().identifier();
    const value = parts.next();
    parts.end();
    const name = type.slice(extensionName.length);
    if (!type.startsWith(extensionName) || name === "" || found.has(name)) throw new DERFault();
    found.set(name, value);
  }
  return found;
}

function entry(found, name) {
  if (!found.has(name)) throw new DERFault();
  return found.get(name);
}

async function checkSignatures(quote, leaf) {
  if (!(await isECDSA(leaf.publicKey.key, "SHA-256", quote.enclaveSignature, quote.enclave.bytes))) {
    throw new EvidenceFault("qe.signature", "the quoting enclave's report is not signed by the platform's key");
  }
  const bound = await sha256Bytes(concat(quote.attestationKey, quote.authenticationData));
  if (!equal(quote.enclave.reportData, concat(bound, new Uint8Array(32)))) {
    throw new EvidenceFault("qe.binding", "the quoting enclave does not vouch for the attestation key");
  }
  const key = await curveKey(concat([4], quote.attestationKey), "P-256");
  if (key === null || !(await isECDSA(key, "SHA-256", quote.signature, quote.signed))) {
    throw new EvidenceFault("quote.signature", "the quote is not signed by its attestation key");
  }
}

// Verifies a quote; `collateral` is Intel's six files by name, or null. Throws `EvidenceFault`.
export async function verifyTDX(bytes, roots, collateral, time) {
  const quote = readQuote(bytes);
  const chain = await pckChain(quote.certificates, roots, time);
  await checkSignatures(quote, chain.leaf);
  const { body } = quote;
  const result = { quote, chain, window: chain.window, launchDigest: body.mrTD, reportData: body.reportData, platformTCB: null };
  if (collateral === null) {
    pinnedIdentity.check(quote.enclave);
    // Intel's modules have a signer of zeros. What else runs there could say anything of a guest.
    if (!isZero(body.mrSignerSEAM) || !isZero(body.seamAttributes)) {
      throw new EvidenceFault("tdx.module", "the TDX module is not Intel's", {
        expected: "a signer and attributes of zeros", actual: `${hex(body.mrSignerSEAM)} ${hex(body.seamAttributes)}`,
      });
    }
    return { ...result, signatures: { "ecdsa-secp256r1": 5 }, isRevocationChecked: false };
  }
  const { tcb, window } = await appraisePlatform(quote, chain, collateral, roots, time);
  return {
    ...result, platformTCB: tcb, window: result.window.narrowed(window), signatures: { "ecdsa-secp256r1": 11 },
    isRevocationChecked: true,
  };
}

// What was read of it, as `kettle evidence` prints it.
export function tdxFacts({ quote, chain, platformTCB }) {
  const { body } = quote;
  const facts = {
    quote_version: quote.version, body: body.isExtended ? "tdx15" : "tdx10", tee_tcb_svn: hex(body.teeTCBSVN),
    mr_seam: hex(body.mrSEAM), td_attributes: hex(body.attributes), xfam: hex(body.xfam),
    mr_config_id: hex(body.mrConfigID), debug: body.isDebug, rtmr: body.rtmr.map(hex), fmspc: hex(chain.platform.fmspc),
    pceid: hex(chain.platform.pceID), pcesvn: chain.platform.pceSVN, ca: chain.intermediate.commonName,
    collateral_checked: platformTCB !== null, qe_isvsvn: quote.enclave.securityVersion,
    tcb_status: platformTCB?.status ?? null, advisories: platformTCB?.advisories ?? [],
  };
  if (platformTCB === null) return facts;
  const { date, platform, module, enclave } = platformTCB;
  return { ...facts, tcb_date: date, tcb_parts: { platform, tdx_module: module, qe: enclave } };
}
