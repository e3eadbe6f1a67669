// X.509 certificates (RFC 5280), version 3, and revocation lists, read strictly. Nothing is verified by reading them.

import { equal, hex, text } from "./bytes.js";
import { curveKey, isECDSA, isPSS, pssKey, rawSignature } from "./crypto.js";
import { DERFault, parseDER, tags } from "./der.js";

// Times in seconds since 1970, both included.
export class Window {
  constructor(first, last) {
    this.first = first;
    this.last = last;
  }

  static get always() {
    return new Window(0, 253_402_300_799);
  }

  contains(time) {
    return this.first <= time && time <= this.last;
  }

  narrowed(other) {
    return new Window(Math.max(this.first, other.first), Math.min(this.last, other.last));
  }
}

// AlgorithmIdentifiers in DER: RFC 3279 section 2.3.1, RFC 5480 section 2.1.1.
const keyKinds = new Map([
  ["300d06092a864886f70d0101010500", "rsa"], ["301306072a8648ce3d020106082a8648ce3d030107", "p256"],
  ["301006072a8648ce3d020106052b81040022", "p384"],
]);

async function publicKey(node) {
  const elements = node.elements(tags.sequence);
  const kind = keyKinds.get(hex(elements.next().encoded));
  const bits = elements.next().bits();
  elements.end();
  if (kind === undefined) throw new DERFault();
  let key;
  let size = 0;
  if (kind === "rsa") {
    const modulus = parseDER(bits).elements(tags.sequence).next().integerBytes();
    size = (modulus.length - (modulus[0] === 0 ? 1 : 0)) * 8;
    key = size >= 2048 ? await pssKey(node.encoded) : null;
  } else key = await curveKey(bits, kind === "p256" ? "P-256" : "P-384");
  if (key === null) throw new DERFault();
  return { kind, key, size };
}

const sha384 = "300d06096086480165030402020500";
const pss = `a00f${sha384}a11c301a06092a864886f70d010108${sha384}a203020130`;
const pssName = "06092a864886f70d01010a";
// RSASSA-PSS-params has a trailer field that AMD writes though it is the default, so there are two spellings.
const algorithms = new Map([
  ["300a06082a8648ce3d040302", "ecdsa-secp256r1"], [`3041${pssName}3034${pss}`, "rsa4096-pss-sha384"],
  [`3046${pssName}3039${pss}a303020101`, "rsa4096-pss-sha384"],
]);

// What certificates and lists have in common: a body, an algorithm, and a signature over the body's bytes as they came.
class Signed {
  constructor(bytes) {
    const outer = parseDER(bytes).elements(tags.sequence);
    const body = outer.next();
    this.encodedAlgorithm = outer.next().encoded;
    this.signature = outer.next().bits();
    outer.end();
    this.bytes = bytes;
    this.signed = body.encoded;
    this.algorithm = algorithms.get(hex(this.encodedAlgorithm));
    if (this.algorithm === undefined) throw new DERFault();
    this.fields = body.elements(tags.sequence);
  }

  // Refuses a body that names another algorithm than stands outside of it, where nothing is signed.
  checkAlgorithm(node) {
    if (!equal(node.encoded, this.encodedAlgorithm)) throw new DERFault();
  }

  // Whether it names `issuer` and is signed by its key.
  async isIssued(issuer) {
    if (!equal(this.issuer, issuer.subject)) return false;
    const { kind, key, size } = issuer.publicKey;
    if (this.algorithm === "rsa4096-pss-sha384") {
      return kind === "rsa" && size === 4096 && this.signature.length === 512 && isPSS(key, this.signature, this.signed);
    }
    const raw = rawSignature(this.signature);
    return kind === "p256" && raw !== null && isECDSA(key, "SHA-256", raw, this.signed);
  }
}

export class Certificate extends Signed {
  // Null for what is no certificate.
  static async read(bytes) {
    return reading(async () => {
      const certificate = new Certificate(bytes);
      certificate.publicKey = await publicKey(certificate.keyNode);
      return certificate;
    });
  }

  constructor(bytes) {
    super(bytes);
    const { fields } = this;
    if (fields.next().inside(0).integer() !== 2) throw new DERFault();
    this.serialNumber = fields.next().unsignedBytes();
    this.checkAlgorithm(fields.next());
    this.issuer = fields.next().encoded;
    const validity = fields.next().elements(tags.sequence);
    this.validity = new Window(validity.next().time(), validity.next().time());
    validity.end();
    const subject = fields.next();
    this.subject = subject.encoded;
    this.commonName = commonName(subject);
    this.keyNode = fields.next();
    this.extensions = extensions(fields.next().inside(3));
    fields.end();
    this.isAuthority = isAuthority(this.extensions.get("551d13"));
    this.maySignCertificates = maySign(this.extensions.get("551d0f"));
  }
}

async function reading(read) {
  try {
    return await read();
  } catch (fault) {
    if (fault instanceof DERFault) return null;
    throw fault;
  }
}

function commonName(name) {
  const names = name.elements(tags.sequence);
  let found = null;
  for (const set of names) {
    const attributes = set.elements(tags.set);
    for (const one of attributes) {
      const parts = one.elements(tags.sequence);
      const type = parts.next().identifier();
      const value = parts.next();
      parts.end();
      if (type !== "550403") continue;
      if (found !== null) throw new DERFault();
      found = text(value.primitive(value.tag === tags.utf8 ? tags.utf8 : tags.printable));
      if (found === null) throw new DERFault();
    }
  }
  if (found === null) throw new DERFault();
  return found;
}

function extensions(node) {
  const list = node.elements(tags.sequence);
  const values = new Map();
  for (const entry of list) {
    const parts = entry.elements(tags.sequence);
    const type = parts.next().identifier();
    let value = parts.next();
    if (value.tag === tags.boolean) {
      // What is critical and unknown would change what the rest means (RFC 5280, section 4.2).
      if (!value.boolean() || !["551d0f", "551d13"].includes(type)) throw new DERFault();
      value = parts.next();
    }
    parts.end();
    if (values.has(type)) throw new DERFault();
    values.set(type, value.primitive(tags.octets));
  }
  return values;
}

function isAuthority(value) {
  if (value === undefined) return false;
  const first = parseDER(value).elements(tags.sequence).nextIfAny();
  return first === null ? false : first.boolean();
}

function maySign(value) {
  if (value === undefined) return false;
  const content = parseDER(value).primitive(tags.bits);
  // Bit 5 counted from the most significant one (RFC 5280, section 4.2.1.3).
  return content.length > 1 && (content[1] & 0x04) !== 0;
}

export class RevocationList extends Signed {
  // Null for what is no list.
  static async read(bytes) {
    return reading(async () => new RevocationList(bytes));
  }

  constructor(bytes) {
    super(bytes);
    const { fields } = this;
    if (fields.next().integer() !== 1) throw new DERFault();
    this.checkAlgorithm(fields.next());
    this.issuer = fields.next().encoded;
    // A list without nextUpdate would never be stale.
    this.validity = new Window(fields.next().time(), fields.next().time());
    this.revoked = new Set();
    let next = fields.nextIfAny();
    if (next !== null && next.tag === tags.sequence) {
      const entries = next.elements(tags.sequence);
      for (const entry of entries) {
        const parts = entry.elements(tags.sequence);
        this.revoked.add(hex(parts.next().unsignedBytes()));
        parts.next().time();
        const more = parts.nextIfAny();
        if (more !== null) refuseCritical(more);
        parts.end();
      }
      next = fields.nextIfAny();
    }
    if (next !== null) {
      refuseCritical(next.inside(0));
      fields.end();
    }
  }

  revokes(certificate) {
    return this.revoked.has(hex(certificate.serialNumber));
  }
}

// A list of a part, of changes or of other issuers says so critically (RFC 5280, sections 5.2 and 5.3).
function refuseCritical(node) {
  const list = node.elements(tags.sequence);
  for (const entry of list) {
    const parts = entry.elements(tags.sequence);
    parts.next().identifier();
    if (parts.next().tag !== tags.octets) throw new DERFault();
    parts.end();
  }
}
