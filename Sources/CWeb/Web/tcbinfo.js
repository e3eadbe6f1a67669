// How up to date a TDX platform is, in Intel's words (Intel PCS API v4): which versions of its firmware have which status.

import { equal, fromHex, hex, masked } from "./bytes.js";
import { EvidenceFault } from "./finding.js";
import { JSONObject, string } from "./json.js";
import { same } from "./text.js";

// A member of signed collateral is missing or not of the form it has to be.
export class MemberFault extends Error {
  constructor(member) {
    super(member);
    this.member = member;
  }
}

const read = {
  text(object, name) {
    const text = string(object.get(name));
    if (text === null) throw new MemberFault(name);
    return text;
  },
  bytes(object, name, count) {
    const bytes = fromHex(read.text(object, name).toLowerCase());
    if (bytes === null || bytes.length !== count) throw new MemberFault(name);
    return bytes;
  },
  number(object, name) {
    const value = object.get(name);
    if (typeof value !== "bigint" || value < 0n || value > 65_535n) throw new MemberFault(name);
    return Number(value);
  },
  object(object, name) {
    const value = object.get(name);
    if (!(value instanceof JSONObject)) throw new MemberFault(name);
    return value;
  },
  objects(object, name) {
    const values = object.get(name);
    if (!Array.isArray(values) || !values.every((value) => value instanceof JSONObject)) throw new MemberFault(name);
    return values;
  },
};

export const tcbStatuses = [
  "UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate",
  "OutOfDateConfigurationNeeded", "Revoked",
];
// Whatever runs the newest firmware.
export const acceptedStatuses = tcbStatuses.slice(0, 4);

// The status of a platform together with that of a part that runs on it (Intel, "TDX DCAP Quote Verification").
export function converged(status, part) {
  if (status === "Revoked" || part === "Revoked") return "Revoked";
  if (part !== "OutOfDate" && part !== "OutOfDateConfigurationNeeded") return status;
  if (status === "UpToDate" || status === "SWHardeningNeeded") return "OutOfDate";
  return status.startsWith("Configuration") ? "OutOfDateConfigurationNeeded" : status;
}

// One line of a list of TCB levels: from which versions on which status holds.
function level(object) {
  const status = tcbStatuses.find((one) => one === read.text(object, "tcbStatus"));
  if (status === undefined) {
    throw new EvidenceFault("tcb.unsupported", `the TCB status "${read.text(object, "tcbStatus")}" is unknown`);
  }
  const date = read.text(object, "tcbDate");
  if (!object.has("advisoryIDs")) return { status, date, advisories: [] };
  const advisories = object.get("advisoryIDs");
  if (!Array.isArray(advisories) || !advisories.every((one) => typeof one === "string")) throw new MemberFault("advisoryIDs");
  return { status, date, advisories };
}

// Intel's quoting enclave for TDX. Not optional: the PCE of a genuine machine certifies the report of any enclave.
export class QEIdentity {
  constructor(members) {
    Object.assign(this, members);
  }

  static read(content) {
    if (!same(read.text(content, "id"), "TD_QE") || read.number(content, "version") !== 2) throw new MemberFault("id");
    return new QEIdentity({
      mrSigner: read.bytes(content, "mrsigner", 32), productID: read.number(content, "isvprodid"),
      attributes: read.bytes(content, "attributes", 16), attributesMask: read.bytes(content, "attributesMask", 16),
      // Numbers are written most significant digit first there, and lie the other way round in the report.
      miscSelect: read.bytes(content, "miscselect", 4).reverse(),
      miscSelectMask: read.bytes(content, "miscselectMask", 4).reverse(),
      levels: read.objects(content, "tcbLevels").map((object) => (
        { securityVersion: read.number(tcbOf(object), "isvsvn"), ...level(object) })),
    });
  }

  check(report) {
    const refuse = (what, expected, actual) => new EvidenceFault(
      "qe.identity", `the quote is not by Intel's quoting enclave for TDX: its ${what} differs`, { expected, actual });
    if (!equal(report.mrSigner, this.mrSigner)) throw refuse("signer", hex(this.mrSigner), hex(report.mrSigner));
    if (report.productID !== this.productID) throw refuse("product id", `${this.productID}`, `${report.productID}`);
    if (!equal(masked(report.attributes, this.attributesMask), masked(this.attributes, this.attributesMask))) {
      throw refuse("attributes", hex(this.attributes), hex(report.attributes));
    }
    if (!equal(masked(report.miscSelect, this.miscSelectMask), masked(this.miscSelect, this.miscSelectMask))) {
      throw refuse("MISCSELECT", hex(this.miscSelect), hex(report.miscSelect));
    }
  }

  level(report) {
    const found = this.levels.find((one) => report.securityVersion >= one.securityVersion);
    if (found !== undefined) return found;
    throw new EvidenceFault("tcb.unsupported", "the quoting enclave's version is below every level", {
      actual: `${report.securityVersion}`,
    });
  }
}

const tcbOf = (object) => read.object(object, "tcb");

// What every identity that Intel published from 2023 to 2026 has, for quotes without collateral.
export const pinnedIdentity = new QEIdentity({
  mrSigner: fromHex("dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5"), productID: 2,
  attributes: fromHex("11000000000000000000000000000000"), attributesMask: fromHex("fbffffffffffffff0000000000000000"),
  miscSelect: fromHex("00000000"), miscSelectMask: fromHex("ffffffff"), levels: [],
});

// The module that a platform family began with has no name and no levels of its own.
function readModule(object, isNamed) {
  const levels = isNamed ? read.objects(object, "tcbLevels") : [];
  return {
    name: isNamed ? read.text(object, "id") : null, mrSigner: read.bytes(object, "mrsigner", 48),
    attributes: read.bytes(object, "attributes", 8), attributesMask: read.bytes(object, "attributesMask", 8),
    levels: levels.map((one) => ({ securityVersion: read.number(tcbOf(one), "isvsvn"), ...level(one) })),
  };
}

// Exactly 16: a shorter list would leave components uncompared.
function components(object, name) {
  const list = read.objects(object, name).map((one) => read.number(one, "svn"));
  if (list.length !== 16) throw new MemberFault(name);
  return list;
}

// Which versions of a platform family's firmware have which status (Intel PCS API v4, "TDX TCB Info", version 3).
export class TCBInfo {
  constructor(content) {
    if (!same(read.text(content, "id"), "TDX") || read.number(content, "version") !== 3) throw new MemberFault("id");
    this.fmspc = read.bytes(content, "fmspc", 6);
    this.pceID = read.bytes(content, "pceId", 2);
    this.module = readModule(read.object(content, "tdxModule"), false);
    const hasModules = content.has("tdxModuleIdentities");
    this.modules = hasModules ? read.objects(content, "tdxModuleIdentities").map((one) => readModule(one, true)) : [];
    this.levels = read.objects(content, "tcbLevels").map((object) => {
      const tcb = tcbOf(object);
      return {
        sgx: components(tcb, "sgxtcbcomponents"), tdx: components(tcb, "tdxtcbcomponents"),
        pceSVN: read.number(tcb, "pcesvn"), ...level(object),
      };
    });
  }

  // The level of the TDX module; null for modules of major version 0, which have no levels of their own.
  moduleLevel({ teeTCBSVN, mrSignerSEAM, seamAttributes }) {
    const [minor, major] = teeTCBSVN;
    let { module } = this;
    if (major !== 0) {
      const name = `TDX_${major.toString(16).toUpperCase().padStart(2, "0")}`;
      const named = this.modules.filter((one) => same(one.name, name));
      if (named.length !== 1) {
        throw new EvidenceFault("tdx.module", `Intel's TCB info does not know the TDX module ${name}`);
      }
      [module] = named;
    }
    const mask = module.attributesMask;
    if (!equal(mrSignerSEAM, module.mrSigner)
      || !equal(masked(seamAttributes, mask), masked(module.attributes, mask))) {
      throw new EvidenceFault("tdx.module", "the TDX module is not the one that Intel's TCB info describes");
    }
    if (major === 0) return null;
    const found = module.levels.find((one) => minor >= one.securityVersion);
    if (found !== undefined) return found;
    throw new EvidenceFault("tcb.unsupported", "the TDX module's version is below every level", {
      actual: `${major}.${minor}`,
    });
  }

  // The level of the platform: the first whose versions are all reached. A module with levels of its own is not compared again.
  platformLevel(platform, body) {
    const first = body.teeTCBSVN[1] > 0 ? 2 : 0;
    const found = this.levels.find((one) => one.sgx.every((svn, index) => platform.components[index] >= svn)
      && platform.pceSVN >= one.pceSVN && one.tdx.every((svn, index) => index < first || body.teeTCBSVN[index] >= svn));
    if (found !== undefined) return found;
    throw new EvidenceFault("tcb.unsupported", "the platform's versions are below every level of Intel's TCB info", {
      actual: this.shortfall(platform, body),
    });
  }

  // Which parts lie how far behind the newest level, for a person; empty where none does.
  shortfall(platform, body) {
    if (this.levels.length === 0) return "";
    const [newest] = this.levels;
    const parts = [];
    const compare = (name, actual, wanted) => {
      if (actual < wanted) parts.push(`${name} ${actual}, newest ${wanted}`);
    };
    newest.sgx.forEach((wanted, index) => compare(`SGX component ${index + 1}`, platform.components[index], wanted));
    compare("PCESVN", platform.pceSVN, newest.pceSVN);
    const first = body.teeTCBSVN[1] > 0 ? 2 : 0;
    newest.tdx.forEach((wanted, index) => {
      if (index >= first) compare(`TDX component ${index + 1}`, body.teeTCBSVN[index], wanted);
    });
    return parts.join("; ");
  }
}
