import Foundation
package import Glibc

/// The processes of this machine that have some word in their command line.
package func processes(with word: String) -> [pid_t] {
    guard let proc = opendir("/proc") else { return [] }
    defer { closedir(proc) }
    var found: [pid_t] = []
    while let entry = readdir(proc) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        guard let process = pid_t(name), process != getpid() else { continue }
        if contents(of: "/proc/\(name)/cmdline").contains(word) { found.append(process) }
    }
    return found
}

package func contents(of path: String) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 16_384)
    while true {
        let count = read(file, &block, block.count)
        guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
        bytes += block[..<count]
    }
}

/// The control groups that a service has made for its commands and that are still there.
package func controlGroups(madeBy process: pid_t) -> [String] {
    // Each hierarchy is a file system of its own, and an enumerator does not leave the one it begins on.
    let root = "/sys/fs/cgroup"
    let hierarchies =
        [root] + ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).map { "\(root)/\($0)" }
    return hierarchies.flatMap { hierarchy in
        (FileManager.default.enumerator(atPath: hierarchy)?.compactMap { $0 as? String } ?? [])
            .filter { $0.split(separator: "/").last?.hasPrefix("kettle-\(process)-") == true }
    }
}
