import Glibc
import KettleSandbox
import KettleTesting
import SystemPackage
import Testing

@Suite(.timeLimit(.minutes(15)))
struct WorkspaceTests {
    let folder: FilePath
    let workspace: Workspace

    init() throws {
        folder = FilePath("/tmp/kettle-workspace-tests-\(UInt64.random(in: .min ... .max))")
        try #require(mkdir(folder.string, 0o755) == 0)
        workspace = Workspace(path: folder.appending("workspace"), uid: nil)
        try #require(mkdir(workspace.path.string, 0o700) == 0)
    }

    private func expectRemoved() {
        #expect(workspace.remove())
        #expect(access(workspace.path.string, F_OK) != 0)
        #expect(Workspace(path: folder, uid: nil).remove())
    }

    @Test func `a tree of 10,000 levels is removed`() throws {
        var current = open(workspace.path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for level in 0..<10_000 {
            try #require(mkdirat(current, "d", 0o755) == 0)
            if level % 100 == 0 { close(openat(current, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)) }
            let next = openat(current, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            close(current)
            current = next
        }
        close(current)
        expectRemoved()
    }

    @Test func `a wide tree is removed`() throws {
        for outer in 0..<20 {
            let path = workspace.path.appending("\(outer)")
            try #require(mkdir(path.string, 0o755) == 0)
            for inner in 0..<100 { try write("x", to: path.appending("\(inner)")) }
        }
        expectRemoved()
    }

    @Test(arguments: [0o000, 0o444, 0o555, 0o333] as [mode_t])
    func `folders closed to their owner are removed`(mode: mode_t) throws {
        // Root may enter them all the same: a child without privileges sees what a service's own user would.
        let path = workspace.path.appending("a")
        try #require(mkdir(path.string, 0o755) == 0)
        try #require(mkdir(path.appending("b").string, 0o755) == 0)
        try write("x", to: path.appending("b/file"), mode: 0)
        try #require(chmod(path.appending("b").string, mode) == 0)
        try #require(chmod(path.string, mode) == 0)
        try #require(chmod(workspace.path.string, mode) == 0)
        try asUnprivileged(owning: folder) {
            #expect(workspace.remove())
        }
        #expect(access(workspace.path.string, F_OK) != 0)
        Workspace(path: folder, uid: nil).remove()
    }

    @Test func `a deep tree that is closed to its owner is removed`() throws {
        var current = open(workspace.path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for _ in 0..<300 {
            try #require(mkdirat(current, "d", 0o755) == 0)
            let next = openat(current, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if geteuid() == 0 { fchown(next, 65_534, 65_534) }
            fchmod(current, 0o500)
            close(current)
            current = next
        }
        close(current)
        if geteuid() == 0 { chown(workspace.path.string, 65_534, 65_534) }
        try asUnprivileged(owning: folder) {
            #expect(workspace.remove())
        }
        #expect(access(workspace.path.string, F_OK) != 0)
        Workspace(path: folder, uid: nil).remove()
    }

    @Test func `links, pipes, sockets and odd names are removed, and links are not followed`() throws {
        let outside = folder.appending("outside")
        try #require(mkdir(outside.string, 0o755) == 0)
        try write("kept", to: outside.appending("file"))
        #expect(symlink(outside.string, workspace.path.appending("folder").string) == 0)
        #expect(symlink(outside.appending("file").string, workspace.path.appending("file").string) == 0)
        #expect(symlink("nowhere", workspace.path.appending("dangling").string) == 0)
        #expect(mkfifo(workspace.path.appending("pipe").string, 0o600) == 0)
        #expect(mkdir(workspace.path.string + "/new\nline", 0o755) == 0)
        let invalid: [CChar] = Array(workspace.path.string.utf8CString.dropLast()) + [0x2F, -1, -2, 0]
        #expect(mkdir(invalid, 0o755) == 0)
        #expect(workspace.remove())
        #expect(contents(of: outside.appending("file").string) == "kept")
        #expect(Workspace(path: folder, uid: nil).remove())
    }

    @Test func `a workspace that is a link is removed, not what it points to`() throws {
        let outside = folder.appending("outside")
        try #require(mkdir(outside.string, 0o755) == 0)
        #expect(rmdir(workspace.path.string) == 0)
        #expect(symlink(outside.string, workspace.path.string) == 0)
        #expect(workspace.remove())
        #expect(access(outside.string, F_OK) == 0)
        Workspace(path: folder, uid: nil).remove()
    }

    @Test func `a workspace that is gone is removed already`() {
        #expect(Workspace(path: folder.appending("never"), uid: nil).remove())
        #expect(Workspace(path: folder.appending("never/ever"), uid: nil).remove())
        expectRemoved()
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
    func `handing over gives links and everything below, and follows nothing`() throws {
        let outside = folder.appending("outside")
        try write("mine", to: outside)
        let mine = Workspace(path: workspace.path, uid: 345_678)
        let source = mine.path.appending("source")
        try #require(mkdir(source.string, 0o755) == 0)
        try #require(mkdir(source.appending("sub").string, 0o755) == 0)
        try write("x", to: source.appending("sub/file"))
        #expect(symlink(outside.string, source.appending("link").string) == 0)
        try mine.handOver(source)
        for name in ["", "sub", "sub/file", "link"] {
            let owner = try attributes(of: source.appending(name))
            #expect(owner.user == 345_678)
            #expect(owner.group == 345_678)
        }
        #expect(try attributes(of: outside).user == 0)
        #expect(throws: SandboxError.self) { try mine.handOver(outside) }
        #expect(throws: SandboxError.self) { try mine.handOver(mine.path) }
        expectRemoved()
    }

    /// Runs a closure on this thread without root's privileges, as the user who owns what is in a folder.
    private func asUnprivileged(owning folder: FilePath, _ body: () throws -> Void) throws {
        guard geteuid() == 0 else { return try body() }
        let user: uid_t = 65_534
        chown(folder.string, user, user)
        for path in ["", "/a", "/a/b", "/a/b/file"] { lchown(workspace.path.string + path, user, user) }
        // setfsuid(2) changes this thread alone, and with it the capabilities over files. Glibc's module lacks it.
        let setfsuid = unsafeBitCast(
            try #require(dlsym(nil, "setfsuid")), to: (@convention(c) (uid_t) -> CInt).self)
        _ = setfsuid(user)
        defer { _ = setfsuid(0) }
        try body()
    }
}
