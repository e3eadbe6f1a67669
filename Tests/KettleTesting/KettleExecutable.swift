import Glibc
package import SystemPackage

/// The `kettle` binary that was built along with the tests.
package enum KettleExecutable {
    /// Beside the test bundle, which is the program that runs the tests.
    package static let path: FilePath = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let tests = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return FilePath(tests).removingLastComponent().appending("kettle")
    }()

    /// The program that starts commands inside the sandbox.
    package static var confiner: FilePath { path.removingLastComponent().appending("kettle-confine") }

    /// Whether commands can be confined here: the binary is built and bubblewrap is installed.
    package static var canConfine: Bool {
        access(path.string, X_OK) == 0 && access("/usr/bin/bwrap", X_OK) == 0
    }
}
