import Glibc
import KettleSandbox
import SystemPackage
import Testing

@Suite(.timeLimit(.minutes(15)))
struct OpenedFileTests {
    let root: FilePath

    init() throws {
        root = FilePath("/tmp/kettle-opened-file-tests-\(UInt64.random(in: .min ... .max))")
        try #require(mkdir(root.string, 0o755) == 0)
        try #require(mkdir(root.appending("sub").string, 0o755) == 0)
        try write("content", to: root.appending("sub/file"))
        try write("top", to: root.appending("file"))
    }

    private func cleanUp() { Workspace(path: root, uid: nil).remove() }

    @Test func `a plain file is opened`() throws {
        defer { cleanUp() }
        let file = try openBeneath(root: root, relative: "sub/file")
        #expect(file.size == 7)
        var bytes = [UInt8](repeating: 0, count: 16)
        #expect(read(file.descriptor, &bytes, 16) == 7)
        #expect(fcntl(file.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test(arguments: ["", "/etc/passwd", "../file", "sub/../file", "./file", "sub//file", "sub/", "a\0b", "/"])
    func `a path that is not plain is refused`(path: String) {
        defer { cleanUp() }
        #expect(throws: SandboxError.invalidPath(path)) { _ = try openBeneath(root: root, relative: path) }
    }

    @Test func `links are not followed, wherever they stand`() throws {
        defer { cleanUp() }
        #expect(symlink("file", root.appending("link").string) == 0)
        #expect(symlink("sub", root.appending("folder").string) == 0)
        #expect(symlink("/proc/self/environ", root.appending("sub/environ").string) == 0)
        for path in ["link", "folder/file", "sub/environ"] {
            #expect(throws: SandboxError.self) { _ = try openBeneath(root: root, relative: path) }
        }
    }

    @Test func `folders, pipes and sockets are not files`() throws {
        defer { cleanUp() }
        #expect(mkfifo(root.appending("pipe").string, 0o600) == 0)
        let socket = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: root.appending("socket").string.utf8) }
        let bound = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        for path in ["pipe", "socket", "sub"] {
            #expect(throws: SandboxError.notRegularFile(path)) { _ = try openBeneath(root: root, relative: path) }
        }
    }

    @Test func `a file that is not there is told`() {
        defer { cleanUp() }
        for path in ["none", "none/file", "file/below"] {
            #expect {
                _ = try openBeneath(root: root, relative: path)
            } throws: { ($0 as? SandboxError)?.code == "sandbox.file_unavailable" }
        }
    }
}
