// Why an archive is refused.
export class ArchiveFault extends Error {}

// Why the browser cannot tell: what is too large for it, or what it has no means for. The command line can.
export class Undetermined extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const unshown = /^(\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}|\p{Cn}|\p{Co})$/u;

// A stranger's word in a message.
export function shown(value) {
  const letters = Array.from(value);
  const text = letters.slice(0, 200).map((letter) => (unshown.test(letter) ? "\ufffd" : letter)).join("");
  return `"${text}${letters.length > 200 ? "…" : ""}"`;
}

export const faults = {
  empty: () => new ArchiveFault("the archive is empty"),
  encrypted: (path) => new ArchiveFault(`the entry ${shown(path)} is encrypted`),
  directoryEncrypted: () => new ArchiveFault("the archive's list of files is encrypted"),
  cut: () => new ArchiveFault("the archive ends before it is complete"),
  malformed: () => new ArchiveFault("the archive is damaged"),
  trailing: () => new ArchiveFault("the file goes on after the end of the archive"),
  compression: (path) => new ArchiveFault(`the entry ${shown(path)} is compressed with something other than deflate`),
  ambiguous: (path) => new ArchiveFault(`the archive says two different things about the entry ${shown(path)}`),
  overlap: () => new ArchiveFault("entries of the archive overlap"),
  nameEmpty: () => new ArchiveFault("an entry has no name"),
  nameNUL: (path) => new ArchiveFault(`the name of the entry ${shown(path)} holds a NUL`),
  nameBackslash: (path) => new ArchiveFault(`the name of the entry ${shown(path)} holds a backslash`),
  nameUnreadable: () => new ArchiveFault("the name of an entry cannot be read"),
  device: (path) => new ArchiveFault(`the entry ${shown(path)} is a device`),
  pipe: (path) => new ArchiveFault(`the entry ${shown(path)} is a named pipe`),
  socket: (path) => new ArchiveFault(`the entry ${shown(path)} is a socket`),
  type: (path) => new ArchiveFault(`the entry ${shown(path)} is neither a file, a folder nor a link`),
  link: (path) => new ArchiveFault(`the target of the link ${shown(path)} is empty, too long, compressed or not a path`),
};
