// What a check found, and what came of all of them: `docs/schemas/verdict-v1.json`.

import { JSONObject } from "./json.js";

export class Finding {
  constructor(status, code, message, { expected, actual } = {}) {
    this.status = status;
    this.code = code;
    this.message = message;
    this.expected = expected ?? null;
    this.actual = actual ?? null;
  }

  get json() {
    const { status, code, message, expected, actual } = this;
    return JSONObject.of({ status, code, message, expected: expected ?? undefined, actual: actual ?? undefined });
  }
}

export class Findings extends Array {
  static get [Symbol.species]() {
    return Array;
  }

  passed(code, message, values) {
    this.push(new Finding("passed", code, message, values));
  }

  failed(code, message, values) {
    this.push(new Finding("failed", code, message, values));
  }

  undetermined(code, message, values) {
    this.push(new Finding("undetermined", code, message, values));
  }

  notChecked(code, message, values) {
    this.push(new Finding("not-checked", code, message, values));
  }

  // One finding for a check that passes or fails under two names and in two sentences.
  check(holds, [passedCode, failedCode = passedCode], [passedMessage, failedMessage], values) {
    if (holds) this.passed(passedCode, passedMessage, values);
    else this.failed(failedCode, failedMessage, values);
  }
}

// Why evidence is not genuine, or not what was asked for.
export class EvidenceFault extends Error {
  constructor(code, message, values = {}) {
    super(message);
    this.code = code;
    this.expected = values.expected ?? null;
    this.actual = values.actual ?? null;
  }

  get isAboutTime() {
    return this.code === "cert.time" || this.code === "collateral.expired";
  }

  get finding() {
    return new Finding("failed", this.code, this.message, this);
  }

  isSame(other) {
    return ["code", "message", "expected", "actual"].every((name) => this[name] === other[name]);
  }
}

const schema = "https://kettle.build/verdict/v1";

// Accepts only what no finding speaks against and what was verified to the end.
export class Verdict {
  // `verified` is null unless everything was verified to the end: members of the verdict's JSON.
  constructor(findings, verified = null) {
    this.findings = [...findings];
    const has = (status) => this.findings.some((finding) => finding.status === status);
    this.outcome = has("failed") ? "rejected" : has("undetermined") ? "undetermined" : verified ? "accepted" : "rejected";
    this.verified = this.outcome === "accepted" ? verified : null;
  }

  get json() {
    return JSONObject.of({
      schema, outcome: this.outcome, findings: this.findings.map((finding) => finding.json), ...this.verified,
    });
  }
}
