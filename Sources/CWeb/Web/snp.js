// A report of AMD SEV-SNP: root, intermediate, endorsement key, report (AMD 56860 rev. 1.58, AMD 57230).

import { concat, equal, fromBase64, hex, isZero, uint32, uint64 } from "./bytes.js";
import { Certificate, RevocationList, Window } from "./certificate.js";
import { isECDSA } from "./crypto.js";
import { DERFault, parseDER, tags } from "./der.js";
import { format, requireMembers } from "./evidence.js";
import { EvidenceFault } from "./finding.js";
import { JSONObject } from "./json.js";
import { timeText } from "./statement.js";

const products = {
  milan: { title: "Milan", names: ["Milan"] },
  genoa: { title: "Genoa", names: ["Genoa", "Bergamo", "Siena"] },
  turin: { title: "Turin", names: ["Turin"] },
};

// The members of `snp`. `ask` and `ark` are never used: trust does not come with the evidence.
export function snpMembers(evidence) {
  const { members, place } = evidence;
  requireMembers(members, ["attestation_report"], place, ["cert_chain"]);
  const report = evidence.bytes("attestation_report");
  const chain = members.get("cert_chain") ?? null;
  if (chain === null) return { report, endorsement: null };
  if (!(chain instanceof JSONObject)) throw format(`${place}'s cert_chain is not an object`);
  requireMembers(chain, ["vcek"], `${place}'s cert_chain`, ["ask", "ark"]);
  for (const name of ["ask", "ark"]) {
    const value = chain.get(name) ?? null;
    if (value !== null && fromBase64(value) === null) throw format(`${place}'s ${name} is not canonical base64`);
  }
  const endorsement = fromBase64(chain.get("vcek"));
  if (endorsement === null) throw format(`${place}'s vcek is not canonical base64`);
  return { report, endorsement };
}

// Reads a report's layout. Whether it is genuine, `verifySNP` tells.
function readReport(bytes) {
  if (bytes.length !== 1184) {
    throw new EvidenceFault("report.length", "the report is not 1184 bytes long", {
      expected: "1184", actual: `${bytes.length}`,
    });
  }
  const field = (offset, count) => bytes.subarray(offset, offset + count);
  const version = uint32(bytes, 0x000);
  if (version < 2 || version > 5) {
    throw new EvidenceFault("report.version", "the report's version is unknown", { expected: "2 to 5", actual: `${version}` });
  }
  const algorithm = uint32(bytes, 0x034);
  if (algorithm !== 1) {
    throw new EvidenceFault("report.sigalgo", "the report's signature algorithm is unknown", {
      expected: "1", actual: `${algorithm}`,
    });
  }
  const signer = (uint32(bytes, 0x048) >>> 2) & 0b111;
  if (signer > 1) {
    throw new EvidenceFault("report.signer", "the report is signed by neither a VCEK nor a VLEK", {
      expected: "0 or 1", actual: `${signer}`,
    });
  }
  // Little-endian numbers of 72 bytes, of which 48 may be used; after them zeros to the end.
  const isClean = [field(0x2d0, 24), field(0x318, 24), field(0x330, 368)].every(isZero);
  const bit = (number) => ((uint64(bytes, 0x008) >> BigInt(number)) & 1n) === 1n;
  return {
    version, signingKey: signer === 0 ? "vcek" : "vlek", guestSVN: uint32(bytes, 0x004), policy: uint64(bytes, 0x008),
    allowsMultithreading: bit(16), hasReservedBit: bit(17), allowsMigration: bit(18), allowsDebug: bit(19),
    familyID: field(0x010, 16), imageID: field(0x020, 16), vmpl: uint32(bytes, 0x030), reportData: field(0x050, 64),
    measurement: field(0x090, 48), hostData: field(0x0c0, 32), chipID: field(0x1a0, 64),
    cpuid: version >= 3 ? field(0x188, 3) : null, currentTCB: field(0x038, 8), reportedTCB: field(0x180, 8),
    committedTCB: field(0x1e0, 8), launchTCB: field(0x1f0, 8), signed: field(0, 0x2a0),
    signature: isClean ? concat(field(0x2a0, 48).slice().reverse(), field(0x2e8, 48).slice().reverse()) : null,
  };
}

// The parts of the firmware below a guest, by name, and where each lies in eight bytes.
const places = (product) => (product === "turin"
  ? { fmc: 0, bootloader: 1, tee: 2, snp: 3, microcode: 7 } : { bootloader: 0, tee: 1, snp: 6, microcode: 7 });

export const tcbOf = (bytes, product) =>
  Object.fromEntries(Object.entries(places(product)).map(([part, offset]) => [part, bytes[offset]]));

// `bootloader 4, microcode 219, snp 24, tee 0`.
export const tcbText = (tcb) => Object.keys(tcb).sort().map((part) => `${part} ${tcb[part]}`).join(", ");

// Version 2 does not name the processor. The certificate's issuer then only selects which pinned issuer is tried.
async function productOf(report, endorsement, roots) {
  if (report.cpuid !== null) {
    const [family, model] = report.cpuid;
    if (family === 0x19 && model <= 0x0f) return "milan";
    if (family === 0x19 && (model >> 4 === 1 || model >> 4 === 0xa)) return "genoa";
    if (family === 0x1a && model <= 0x11) return "turin";
    throw new EvidenceFault("report.product", "the report is of an unknown processor", {
      expected: "Milan, Genoa or Turin", actual: `family ${family}, model ${model}`,
    });
  }
  const certificate = await Certificate.read(endorsement);
  const key = report.signingKey;
  if (certificate === null) throw new EvidenceFault("chain.vek", `the ${key}'s certificate cannot be read`);
  for (const product of Object.keys(products)) {
    try {
      if (equal((await roots.intermediate(product, key)).subject, certificate.issuer)) return product;
    } catch (fault) {
      if (!(fault instanceof EvidenceFault)) throw fault;
    }
  }
  throw new EvidenceFault("chain.vek", `the ${key}'s issuer is not trusted`);
}

async function endorsementKey(bytes, key, product, intermediate) {
  const certificate = await Certificate.read(bytes);
  if (certificate === null || !(await certificate.isIssued(intermediate))) {
    throw new EvidenceFault(
      "chain.vek", `the ${key}'s certificate is not issued by the trusted authority for ${product}`);
  }
  // A VLEK under a VCEK's authority, or the other way round, would skip the check of the chip.
  const name = key === "vcek" ? "SEV-VCEK" : "SEV-VLEK";
  if (certificate.commonName !== name) {
    throw new EvidenceFault("chain.vek", `the certificate is not of a ${key}, which the report says signed it`, {
      expected: name, actual: certificate.commonName,
    });
  }
  if (certificate.isAuthority || certificate.publicKey.kind !== "p384") {
    throw new EvidenceFault("chain.vek", `the ${key}'s certificate is not one of a P-384 key that signs reports`);
  }
  return certificate;
}

export function expired(certificate, time) {
  return new EvidenceFault("cert.time", `the certificate of ${certificate.commonName} is not valid at ${timeText(time)}`, {
    expected: windowText(certificate.validity), actual: timeText(time),
  });
}

export function stale(name, window, time) {
  return new EvidenceFault("collateral.expired", `${name} is not valid at ${timeText(time)}`, {
    expected: windowText(window), actual: timeText(time),
  });
}

export const windowText = (window) => `from ${timeText(window.first)} to ${timeText(window.last)}`;

async function checkRevocations(bytes, intermediate, ark, time) {
  const list = await RevocationList.read(bytes);
  if (list === null || !(await list.isIssued(ark))) {
    throw new EvidenceFault("collateral.crl", "AMD's revocation list is not the ARK's");
  }
  if (!list.validity.contains(time)) throw stale("AMD's revocation list", list.validity, time);
  if (list.revokes(intermediate)) throw new EvidenceFault("cert.revoked", `${intermediate.commonName} is revoked`);
  return list;
}

// What the certificate of a VCEK or VLEK says, in extensions below 1.3.6.1.4.1.3704.1.
function endorsementOf(certificate, product, key) {
  const name = (arc) => `1.3.6.1.4.1.3704.1.${arc}`;
  const value = (arc) => {
    const found = certificate.extensions.get(`2b060104019c7801${arc.split(".").map((number) => `0${number}`).join("")}`);
    if (found !== undefined) return found;
    throw new EvidenceFault("vek.extension", `the ${key}'s certificate lacks extension ${name(arc)}`);
  };
  const malformed = (arc) =>
    new EvidenceFault("vek.extension", `extension ${name(arc)} of the ${key}'s certificate is malformed`);
  const reading = (arc, read) => {
    const bytes = value(arc);
    try {
      return read(parseDER(bytes));
    } catch (fault) {
      throw fault instanceof DERFault ? malformed(arc) : fault;
    }
  };
  const number = (arc) => reading(arc, (node) => node.integer(255));
  const text = (arc) => reading(arc, (node) => {
    const content = node.primitive(tags.ia5);
    if (!content.every((byte) => byte >= 0x20 && byte < 0x7f)) throw new DERFault();
    return String.fromCharCode(...content);
  });
  number("1");
  const productName = text("2").split("-").find((part) => part !== "") ?? "";
  const tcb = { bootloader: number("3.1"), tee: number("3.2"), snp: number("3.3"), microcode: number("3.8") };
  if (product === "turin") tcb.fmc = number("3.9");
  if (key === "vlek") {
    text("5");
    return { productName, tcb, hardwareID: null };
  }
  // Raw bytes, which some issuers wrap in an OCTET STRING. The length tells.
  const bytes = value("4");
  const count = product === "turin" ? 8 : 64;
  if (bytes.length === count) return { productName, tcb, hardwareID: bytes };
  if (bytes.length !== count + 2 || bytes[0] !== 0x04 || bytes[1] !== count) throw malformed("4");
  return { productName, tcb, hardwareID: bytes.subarray(2) };
}

function checkEndorsement(report, certificate, product) {
  const endorsement = endorsementOf(certificate, product, report.signingKey);
  if (!products[product].names.includes(endorsement.productName)) {
    throw new EvidenceFault("chain.product", "the certificate is of another product", {
      expected: products[product].title, actual: endorsement.productName,
    });
  }
  const reported = tcbOf(report.reportedTCB, product);
  if (tcbText(reported) !== tcbText(endorsement.tcb)) {
    throw new EvidenceFault("tcb.mismatch", "the certificate is for other firmware than the report names", {
      expected: tcbText(endorsement.tcb), actual: tcbText(reported),
    });
  }
  const id = endorsement.hardwareID;
  if (id === null) return;
  // A chip id of zeros is a hidden one, and matches nothing.
  if (equal(concat(id, new Uint8Array(64 - id.length)), report.chipID) && !isZero(id)) return;
  throw new EvidenceFault("hwid.mismatch", "the certificate is of another chip", {
    expected: hex(id), actual: hex(report.chipID),
  });
}

// Verifies a report. `endorsement` is the certificate of the VCEK or VLEK, `revocations` AMD's list or null. Throws `EvidenceFault`.
export async function verifySNP(bytes, endorsement, roots, revocations, time) {
  const report = readReport(bytes);
  const key = report.signingKey;
  const product = await productOf(report, endorsement, roots);
  const ark = await roots.ark(product);
  const intermediate = await roots.intermediate(product, key);
  const certificate = await endorsementKey(endorsement, key, product, intermediate);
  let window = Window.always;
  for (const one of [ark, intermediate, certificate]) {
    if (!one.validity.contains(time)) throw expired(one, time);
    window = window.narrowed(one.validity);
  }
  const signatures = { "rsa4096-pss-sha384": 3, "ecdsa-secp384r1": 1 };
  if (revocations !== null) {
    const list = await checkRevocations(revocations, intermediate, ark, time);
    window = window.narrowed(list.validity);
    signatures[list.algorithm] = (signatures[list.algorithm] ?? 0) + 1;
  }
  const isSigned = report.signature !== null
    && (await isECDSA(certificate.publicKey.key, "SHA-384", report.signature, report.signed));
  if (!isSigned) throw new EvidenceFault("report.signature", "the report's signature is not by its endorsement key");
  checkEndorsement(report, certificate, product);
  if (!report.hasReservedBit) {
    throw new EvidenceFault("report.policy", "bit 17 of the guest's policy, which is reserved and one, is zero");
  }
  return {
    report, product, window, signatures, isRevocationChecked: revocations !== null,
    tcb: tcbOf(report.reportedTCB, product), launchDigest: report.measurement, reportData: report.reportData,
  };
}

// What was read of it, as `kettle evidence` prints it.
export function snpFacts({ report, product, isRevocationChecked }) {
  const tcb = (bytes) => JSONObject.of(tcbOf(bytes, product));
  const facts = {
    report_version: report.version, host_data: hex(report.hostData), vmpl: report.vmpl, debug: report.allowsDebug,
    policy: `0x${report.policy.toString(16)}`, chip_id: hex(report.chipID), guest_svn: report.guestSVN,
    family_id: hex(report.familyID), image_id: hex(report.imageID), product, signing_key: report.signingKey,
    tcb: tcb(report.reportedTCB), current_tcb: tcb(report.currentTCB), committed_tcb: tcb(report.committedTCB),
    launch_tcb: tcb(report.launchTCB), revocation_checked: isRevocationChecked,
  };
  if (report.cpuid !== null) {
    const [family, model, stepping] = [...report.cpuid].map((part) => `0x${part.toString(16)}`);
    facts.cpuid = `family ${family} model ${model} stepping ${stepping}`;
  }
  return facts;
}
