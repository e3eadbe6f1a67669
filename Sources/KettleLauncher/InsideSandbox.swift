/// What is the same in every sandbox.
package enum InsideSandbox {
    /// The home folder, an empty file system in memory.
    package static let homeFolder = "/home/build"

    /// The only port that a command with a way out can connect to, on 127.0.0.1.
    package static let proxyPort: UInt16 = 1080
}
