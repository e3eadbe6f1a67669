// The entries of a ZIP or a tar.gz, in the order of the archive. A verdict is about what anybody unpacks, so there must be one thing
// only that anybody could unpack: what programs could read in two ways is refused, as the command line refuses it.

import { readTar } from "./tar.js";
import { readZIP } from "./zip.js";

export { ArchiveFault } from "./fault.js";

// Calls `take({ path, kind, bytes })` for each entry; `kind` is "file", "folder" or "link". Throws `ArchiveFault`.
export function readArchive(bytes, limits, take) {
  const begins = (...start) => start.every((byte, index) => bytes[index] === byte);
  if (begins(0x50, 0x4b, 0x03, 0x04) || begins(0x50, 0x4b, 0x05, 0x06)) readZIP(bytes, limits, take);
  else if (begins(0x1f, 0x8b, 0x08)) readTar(bytes, limits, take);
  else return false;
  return true;
}
