// Whether a bundle is of the source, the commit and the builder that are wanted: `--source`, `--commit` and `--builder`.

import { byteCount, hasPrefix } from "./text.js";

// A source without the `@ref` behind a repository's URL.
export function repositoryOf(source, ref) {
  const isThere = ref !== null && hasPrefix(source, "git+") && byteCount(source) > byteCount(ref)
    && source.endsWith(`@${ref}`);
  return isThere ? source.slice(0, source.length - ref.length - 1) : source;
}

// Reads a pattern such as `https://forge.example/acme/tally`, `archive:tally.zip`, or one that ends in `/*`; null for what is none.
export function sourcePattern(value) {
  const text = /^https?:\/\//.test(value) ? `git+${value}` : value;
  const fixed = text.endsWith("/*") || text === "archive:*" ? text.slice(0, -1) : text;
  if (fixed.includes("*") || /[\0-\x1f\x7f]/.test(text)) return null;
  const isGit = /^git\+https?:\/\//.test(fixed) && !fixed.endsWith("//");
  const isArchive = fixed.startsWith("archive:") && (text === "archive:*" || fixed.length > "archive:".length);
  return isGit || isArchive ? text : null;
}

function matches(pattern, source, ref) {
  const repository = repositoryOf(source, ref);
  if (!pattern.endsWith("*")) {
    return repository === pattern || (repository.length < source.length && source === pattern);
  }
  const prefix = pattern.slice(0, -1);
  if (!repository.startsWith(prefix)) return false;
  const below = repository.slice(prefix.length);
  return pattern === "archive:*" ? below !== "" : staysBelow(below);
}

// Whether a path is what it looks like: `acme/../mallory` is not below `acme`, to a server that resolves dots.
function staysBelow(path) {
  const plain = path.toLowerCase();
  if (plain === "" || ["%2e", "%2f", "%5c", "\\", "?", "#"].some((part) => plain.includes(part))) return false;
  return plain.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

// `claims` is what the statement says of itself: `builderID`, `source`, `requestedRef`, `commit`.
export function checkExpectations(claims, asked, findings) {
  const check = (what, wanted, actual, isMet) => {
    if (wanted === null) return;
    findings.check(isMet, [`expected.${what}`], [
      `the ${what} is one that you want`, `the ${what} is not one that you want`,
    ], { expected: wanted, actual });
  };
  const { builderID, source, requestedRef, commit } = claims;
  check("builder", asked.builder, builderID, builderID === asked.builder);
  check("source", asked.source, source, asked.source !== null && matches(asked.source, source, requestedRef));
  check("commit", asked.commit, commit ?? "no git commit", commit === asked.commit);
  findings.notChecked("policy.none", "no policy was given");
}
