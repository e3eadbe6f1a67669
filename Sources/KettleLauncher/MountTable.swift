/// What is mounted in this process's namespace (proc_pid_mountinfo(5)).
package enum MountTable {
    /// The absolute paths of all mounts, links resolved.
    static var mountPoints: [String] {
        ProcFile.read("/proc/self/mountinfo").split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", maxSplits: 5)
            return fields.count > 5 ? unescaped(fields[4]) : nil
        }
    }

    /// The text of a field, in which blanks, tabs, line feeds and backslashes are written as `\040`.
    package static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
