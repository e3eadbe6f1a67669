// Digests and signatures, by the browser's WebCrypto.

import { concat, hex, toBase64URL, Reader } from "./bytes.js";
import { Undetermined } from "./fault.js";

// Browsers hand WebCrypto out only to pages that came over TLS or from the machine itself.
export const isAvailable = () => globalThis.crypto?.subtle !== undefined;

function subtle() {
  if (!isAvailable()) {
    throw new Undetermined(
      "browser.crypto", "the browser computes no digests and signatures for a page that came over plain HTTP; open it by https, or use kettle verify");
  }
  return globalThis.crypto.subtle;
}

const digest = async (name, bytes) => new Uint8Array(await subtle().digest(name, bytes));

export const sha256Bytes = (bytes) => digest("SHA-256", bytes);

// As 64 hexadecimal digits.
export const sha256 = async (bytes) => hex(await sha256Bytes(bytes));

async function key(format, data, algorithm) {
  try {
    return await subtle().importKey(format, data, algorithm, false, ["verify"]);
  } catch (fault) {
    if (fault instanceof Undetermined) throw fault;
    return null;
  }
}

// A key of an uncompressed point on the curve P-256 or P-384; null for what is none.
export async function curveKey(point, namedCurve) {
  return point[0] === 4 ? key("raw", point, { name: "ECDSA", namedCurve }) : null;
}

// A key of RSASSA-PSS with SHA-384 from a DER SubjectPublicKeyInfo; null for what is none.
export const pssKey = (der) => key("spki", der, { name: "RSA-PSS", hash: "SHA-384" });

// A key of RSASSA-PKCS1-v1_5 with SHA-256 and the exponent 65,537.
export const pkcs1Key = (modulus) =>
  key("jwk", { kty: "RSA", n: toBase64URL(modulus), e: "AQAB" }, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" });

async function verify(algorithm, verifyingKey, signature, bytes) {
  if (verifyingKey === null) return false;
  try {
    return await subtle().verify(algorithm, verifyingKey, signature, bytes);
  } catch (fault) {
    if (fault instanceof Undetermined) throw fault;
    return false;
  }
}

// `signature` is r and s, big-endian and of the curve's length.
export const isECDSA = (verifyingKey, hash, signature, bytes) =>
  verify({ name: "ECDSA", hash }, verifyingKey, signature, bytes);

export const isPSS = (verifyingKey, signature, bytes) =>
  verify({ name: "RSA-PSS", saltLength: 48 }, verifyingKey, signature, bytes);

export const isPKCS1 = (verifyingKey, signature, bytes) =>
  verify({ name: "RSASSA-PKCS1-v1_5" }, verifyingKey, signature, bytes);

// ECDSA-Sig-Value (RFC 3279, section 2.2.3) as r and s of 32 bytes each; null for any other spelling than DER's.
export function rawSignature(encoded) {
  const reader = new Reader(encoded);
  if (reader.big(1) !== 0x30) return null;
  const length = reader.big(1);
  if (length === null || length >= 0x80 || reader.remaining !== length) return null;
  const parts = [];
  for (let part = 0; part < 2; part += 1) {
    if (reader.big(1) !== 0x02) return null;
    const count = reader.big(1);
    let number = count === null || count >= 0x80 ? null : reader.take(count);
    if (number === null || number.length === 0 || number[0] >= 0x80) return null;
    if (number[0] === 0) {
      number = number.subarray(1);
      // A zero stands in front where the number would be negative without it, and nowhere else.
      if (number.length === 0 || number[0] < 0x80) return null;
    }
    if (number.length > 32) return null;
    parts.push(concat(new Uint8Array(32 - number.length), number));
  }
  return reader.remaining === 0 ? concat(...parts) : null;
}
