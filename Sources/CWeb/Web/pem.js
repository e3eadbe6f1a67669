// Certificates in PEM (RFC 7468), in one form.

import { fromBase64, shownText } from "./bytes.js";

// The DER of each certificate; null where anything stands there that is not one. In a quote, where
// nothing else signs these bytes, lines end in LF alone and NULs may stand at the very end; a file may have CRLF and blank lines.
export function pemCertificates(bytes, { isQuote }) {
  let end = bytes.length;
  if (isQuote) while (end > 0 && bytes[end - 1] === 0) end -= 1;
  if (bytes.subarray(0, end).includes(0)) return null;
  let lines = shownText(bytes.subarray(0, end)).split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (!isQuote) lines = lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line)).filter((line) => line !== "");
  const certificates = [];
  let body = null;
  for (const line of lines) {
    if (body === null) {
      if (line !== "-----BEGIN CERTIFICATE-----" || certificates.length >= 8) return null;
      body = [];
    } else if (line === "-----END CERTIFICATE-----") {
      const last = body.at(-1);
      const isWhole = last !== undefined && last !== "" && last.length <= 64;
      if (!isWhole || !body.slice(0, -1).every((one) => one.length === 64)) return null;
      const der = fromBase64(body.join(""));
      if (der === null) return null;
      certificates.push(der);
      body = null;
    } else body.push(line);
  }
  return body === null && certificates.length > 0 ? certificates : null;
}
