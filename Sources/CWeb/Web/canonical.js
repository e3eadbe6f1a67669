// JSON written in one way only (RFC 8785).

// The value's only spelling under RFC 8785.
export function canonical(value) {
  if (value === null || value === undefined) return "null";
  if (typeof value === "boolean") return value ? "true" : "false";
  // ECMAScript writes doubles as the RFC wants them, and only from 2^53 on differently from integers.
  if (typeof value === "bigint") return String(value >= -(2n ** 53n) && value <= 2n ** 53n ? value : Number(value));
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "null";
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const members = value.entries().sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  return `{${members.map(([name, inner]) => `${quoted(name)}:${canonical(inner)}`).join(",")}}`;
}

const short = { "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\" };

function quoted(value) {
  const escape = (letter) => short[letter] ?? `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `"${value.replace(/[\u0000-\u001f"\\]/g, escape)}"`;
}
