// What Intel publishes to judge a TDX platform by (Intel PCS API v4): how up to date its firmware is, and what is revoked.

import { equal, fromHex, hex } from "./bytes.js";
import { Certificate, RevocationList, Window } from "./certificate.js";
import { isECDSA } from "./crypto.js";
import { EvidenceFault } from "./finding.js";
import { JSONFault, JSONObject, parseMembers, string } from "./json.js";
import { pemCertificates } from "./pem.js";
import { expired, stale } from "./snp.js";
import { timestamp } from "./statement.js";
import { converged, MemberFault, QEIdentity, TCBInfo } from "./tcbinfo.js";
import { sorted } from "./text.js";

// Documents that Intel signs: `{"tcbInfo": {…}, "signature": hex}` and the like. The signature covers the bytes of the member.
async function signedDocument(bytes, name, chain, code, roots, time) {
  const refuse = (message) => new EvidenceFault(code, message);
  const root = await roots.intel();
  const certificates = pemCertificates(chain, { isQuote: false });
  if (certificates === null || certificates.length !== 2) throw refuse(`the chain of ${name} is not two certificates in PEM`);
  if (!equal(certificates[1], root.bytes)) {
    throw new EvidenceFault("chain.root", `the root of ${name}'s chain is not the trusted one`);
  }
  const signer = await Certificate.read(certificates[0]);
  const title = "Intel SGX TCB Signing";
  if (signer === null || !(await signer.isIssued(root)) || signer.commonName !== title || signer.isAuthority
    || signer.publicKey.kind !== "p256") throw refuse(`the signer of ${name} is not ${title}`);
  if (!signer.validity.contains(time)) throw expired(signer, time);
  let document;
  try {
    document = parseMembers(bytes);
  } catch (fault) {
    throw fault instanceof JSONFault ? refuse(`${name} cannot be read: ${fault.message}`) : fault;
  }
  const content = document.object.get(name);
  const signature = fromHex((string(document.object.get("signature")) ?? "-").toLowerCase());
  if (document.object.size !== 2 || !(content instanceof JSONObject) || signature === null || signature.length !== 64) {
    throw refuse(`the document is not {"${name}": …, "signature": …}`);
  }
  if (!(await isECDSA(signer.publicKey.key, "SHA-256", signature, document.ranges.get(name)))) {
    throw refuse(`${name} is not signed by ${title}`);
  }
  const issued = timestamp(string(content.get("issueDate")) ?? "");
  const next = timestamp(string(content.get("nextUpdate")) ?? "");
  if (issued === null || next === null) throw refuse(`${name} does not say when it was issued and until when it holds`);
  const window = new Window(issued, next);
  if (!window.contains(time)) throw stale(name, window, time);
  return { content, signer, window: window.narrowed(signer.validity) };
}

async function revocations(bytes, name, issuer, time) {
  const list = await RevocationList.read(bytes);
  if (list === null || !(await list.isIssued(issuer))) {
    throw new EvidenceFault("collateral.crl", `${name} is not by ${issuer.commonName}`);
  }
  if (!list.validity.contains(time)) throw stale(name, list.validity, time);
  return list;
}

function reading(document, code, make) {
  try {
    return make(document.content);
  } catch (fault) {
    if (!(fault instanceof MemberFault)) throw fault;
    throw new EvidenceFault(code, `the collateral's ${fault.member} is missing, malformed or of another kind`);
  }
}

// How up to date the platform of a quote is, by Intel's six files. Throws `EvidenceFault`.
export async function appraisePlatform(quote, chain, files, roots, time) {
  const rootList = await revocations(files.get("root_ca_crl.der"), "the root's revocation list", chain.root, time);
  const platformList = await revocations(
    files.get("pck_crl.der"), "the PCK revocation list", chain.intermediate, time);
  const info = await signedDocument(
    files.get("tcb_info.json"), "tcbInfo", files.get("tcb_signing_chain.pem"), "collateral.tcb_info", roots, time);
  const identity = await signedDocument(
    files.get("qe_identity.json"), "enclaveIdentity", files.get("qe_identity_signing_chain.pem"), "collateral.qe_identity",
    roots, time);
  const revoked = (certificate) =>
    new EvidenceFault("cert.revoked", `the certificate of ${certificate.commonName} is revoked`);
  for (const certificate of [chain.intermediate, info.signer, identity.signer]) {
    if (rootList.revokes(certificate)) throw revoked(certificate);
  }
  if (platformList.revokes(chain.leaf)) throw revoked(chain.leaf);
  const enclave = reading(identity, "collateral.qe_identity", QEIdentity.read);
  const tcbInfo = reading(info, "collateral.tcb_info", (content) => new TCBInfo(content));
  enclave.check(quote.enclave);
  const { platform } = chain;
  if (!equal(tcbInfo.fmspc, platform.fmspc) || !equal(tcbInfo.pceID, platform.pceID)) {
    throw new EvidenceFault("collateral.tcb_info", "the TCB info is of another platform family", {
      expected: `${hex(platform.fmspc)} ${hex(platform.pceID)}`, actual: `${hex(tcbInfo.fmspc)} ${hex(tcbInfo.pceID)}`,
    });
  }
  const moduleLevel = tcbInfo.moduleLevel(quote.body);
  const enclaveLevel = enclave.level(quote.enclave);
  const platformLevel = tcbInfo.platformLevel(platform, quote.body);
  const module = moduleLevel?.status ?? "UpToDate";
  const status = converged(converged(platformLevel.status, module), enclaveLevel.status);
  if (status === "Revoked") throw new EvidenceFault("tcb.revoked", "the platform's firmware is revoked");
  let window = rootList.validity;
  for (const other of [platformList.validity, info.window, identity.window]) window = window.narrowed(other);
  const advisories = [...platformLevel.advisories, ...(moduleLevel?.advisories ?? []), ...enclaveLevel.advisories];
  const tcb = {
    status, platform: platformLevel.status, module, enclave: enclaveLevel.status, date: platformLevel.date,
    advisories: sorted(new Set(advisories)), shortfall: tcbInfo.shortfall(platform, quote.body),
  };
  return { tcb, window };
}
