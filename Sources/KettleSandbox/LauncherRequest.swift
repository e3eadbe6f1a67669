import Glibc
import SystemPackage

/// What Kettle asks of its launcher: a command with everything looked up that the launcher need not decide.
///
/// On the wire: the length in decimal, a line feed, then that many bytes of fields that each end in NUL, in the order of
/// ``encoded()``. A list is its count and then its fields. Both sides are the same binary, so there is no version.
struct LauncherRequest: Equatable {
    /// What a socket's buffer surely holds.
    static let limitInBytes = 64 << 10

    struct Mount: Equatable {
        var access: Access
        var origin: Origin
        /// A path of the host, absolute or relative to the workspace, or a file's text: as `origin` says.
        var content: String
        var destination: String
    }

    enum Access: String {
        case readable
        case writable
    }

    enum Origin: String {
        case host
        case workspace
        case text
    }

    /// The control group of the command, by paths of the host.
    struct Group: Equatable {
        /// Folders of groups that the launcher joins.
        var joined: [String]
        /// A file that counts processes which were ended for want of memory: a line `oom_kill N`.
        var memoryEvents: String?
        /// A file that counts processes which could not be made: a line `max N`.
        var processEvents: String?
        /// A file with the processor time used: a number of nanoseconds alone, or a line `usage_usec N`.
        var processorTime: String?

        static let none = Group(joined: [])
    }

    var bubblewrap: String
    /// The program `kettle-confine`, which starts the command inside.
    var confiner: String
    var workspace: String
    /// Whether the workspace is a file system of its own, which is full when its limit is reached.
    var isDiskImage: Bool
    /// The user to become; nil to stay the one that started the launcher.
    var uid: UInt32?
    /// Whether the command gets a way out through Kettle: see ``LauncherEgress``.
    var hasEgress: Bool
    var workingDirectory: String
    var limits: SandboxLimits
    var group: Group
    var arguments: [String]
    /// `NAME=value`, sorted.
    var environment: [String]
    /// Outer ones first.
    var mounts: [Mount]

    /// - Throws: ``SandboxError/invalidCommand(reason:)`` or ``SandboxError/mountOutsideWorkspace(at:)``.
    init(
        command: SandboxCommand, workspace: Workspace, bubblewrap: String, confiner: String, group: Group = .none
    ) throws(SandboxError) {
        self.bubblewrap = bubblewrap
        self.confiner = confiner
        self.group = group
        self.workspace = workspace.path.string
        isDiskImage = workspace.disk != nil
        uid = workspace.uid
        hasEgress = command.network.policy != nil
        workingDirectory = command.workingDirectory
        limits = command.limits
        // A file system of its own is full before a file in it is larger; that can be told from a program's own failure.
        limits.fileBytes = limits.fileBytes ?? (workspace.disk == nil ? limits.diskBytes : limits.diskBytes << 2)
        arguments = command.arguments
        environment = command.environment.map { "\($0.key)=\($0.value)" }.sorted()
        mounts = [
            Mount(access: .readable, origin: .host, content: confiner, destination: BubblewrapArguments.confiner)
        ]
        for mount in command.mounts { mounts.append(try Self.resolve(mount, in: workspace)) }
        mounts.sort { $0.destination < $1.destination }
        try check(command)
    }

    private static func resolve(_ mount: SandboxMount, in workspace: Workspace) throws(SandboxError) -> Mount {
        let (host, destination, access): (FilePath, String, Access)
        switch mount {
        case .text(let text, let at): return Mount(access: .readable, origin: .text, content: text, destination: at)
        case .readOnly(let path, let at): (host, destination, access) = (path, at, .readable)
        case .writable(let path, let at): (host, destination, access) = (path, at, .writable)
        }
        guard host.isAbsolute, !host.components.contains(where: { $0.kind != .regular }) else {
            throw .invalidCommand(reason: "the folder for \"\(destination)\" is not named by an absolute path")
        }
        var relative = host
        if relative.removePrefix(workspace.path), !relative.isEmpty {
            return Mount(access: access, origin: .workspace, content: relative.string, destination: destination)
        }
        guard access == .readable else { throw .mountOutsideWorkspace(at: destination) }
        return Mount(access: .readable, origin: .host, content: host.string, destination: destination)
    }

    private func check(_ command: SandboxCommand) throws(SandboxError) {
        guard let program = arguments.first, program.hasPrefix("/") else {
            throw .invalidCommand(reason: "its program is not an absolute path")
        }
        guard command.environment.keys.allSatisfy({ !$0.isEmpty && !$0.contains("=") }) else {
            throw .invalidCommand(reason: "an environment variable has no usable name")
        }
        guard ([workingDirectory] + mounts.map(\.destination)).allSatisfy({ Self.isPlainAbsolute($0) }) else {
            throw .invalidCommand(reason: "a folder inside is not a plain absolute path")
        }
        let fields =
            arguments + environment + [workingDirectory, workspace, confiner] + group.joined
            + mounts.flatMap { [$0.content, $0.destination] }
        guard !fields.contains(where: { $0.utf8.contains(0) }) else {
            throw .invalidCommand(reason: "an argument, a variable or a path holds a NUL character")
        }
        guard Self.limitFields.allSatisfy({ limits[keyPath: $0] > 0 }) else {
            throw .invalidCommand(reason: "a limit is not above zero")
        }
    }

    private static func isPlainAbsolute(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return path == "/"
            || (path.hasPrefix("/") && parts.dropFirst().allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." })
    }
}

// MARK: - On the wire

extension LauncherRequest {
    /// The limits that the launcher keeps; the others are the server's.
    private static var limitFields: [WritableKeyPath<SandboxLimits, Int>] {
        [
            \.processorSeconds, \.memoryBytes, \.processes, \.diskBytes, \.files, \.openFiles, \.largestFile,
            \.temporaryBytes,
        ]
    }

    func encoded() -> [UInt8] {
        var fields = [
            bubblewrap, confiner, workspace, isDiskImage ? "image" : "folder", uid.map { String($0) } ?? "",
            hasEgress ? "egress" : "none", workingDirectory,
        ]
        fields += Self.limitFields.map { String(limits[keyPath: $0]) }
        fields += [String(group.joined.count)] + group.joined
        fields += [group.memoryEvents, group.processEvents, group.processorTime].map { $0 ?? "" }
        fields += [String(arguments.count)] + arguments
        fields += [String(environment.count)] + environment
        fields.append(String(mounts.count))
        for mount in mounts {
            fields += [
                mount.access.rawValue, mount.origin.rawValue, mount.content, mount.destination,
            ]
        }
        let body = Array(fields.map { Array($0.utf8) + [0] }.joined())
        return Array("\(body.count)\n".utf8) + body
    }

    /// Reads a request from the launcher's standard input, which stays open.
    static func receive(from descriptor: CInt) -> LauncherRequest? {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 8192)
        while bytes.count <= limitInBytes {
            if let request = LauncherRequest(parsing: bytes) { return request }
            let count = read(descriptor, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            bytes += block[..<count]
        }
        return nil
    }

    /// - Returns: nil unless the bytes are one whole request.
    init?(parsing bytes: [UInt8]) {
        guard let lineFeed = bytes.firstIndex(of: 0x0A),
            let length = Int(String(decoding: bytes[..<lineFeed], as: UTF8.self)),
            length == bytes.count - lineFeed - 1, bytes.last == 0
        else { return nil }
        var fields = bytes[(lineFeed + 1)...].dropLast()
            .split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }[...]
        guard let bubblewrap = fields.popFirst(), let confiner = fields.popFirst(), let workspace = fields.popFirst(),
            let disk = fields.popFirst(), let user = fields.popFirst(), let network = fields.popFirst(),
            let workingDirectory = fields.popFirst(), user.isEmpty || UInt32(user) != nil
        else { return nil }
        var limits = SandboxLimits()
        for field in Self.limitFields {
            guard let value = fields.popFirst().flatMap({ Int($0) }) else { return nil }
            limits[keyPath: field] = value
        }
        guard let joined = fields.popList(), let memoryEvents = fields.popFirst(),
            let processEvents = fields.popFirst(), let processorTime = fields.popFirst(),
            let arguments = fields.popList(), let environment = fields.popList(),
            let mountCount = fields.popFirst().flatMap({ Int($0) }), mountCount >= 0
        else { return nil }
        var mounts: [Mount] = []
        for _ in 0..<mountCount {
            guard let access = fields.popFirst().flatMap({ Access(rawValue: $0) }),
                let origin = fields.popFirst().flatMap({ Origin(rawValue: $0) }),
                let content = fields.popFirst(), let destination = fields.popFirst()
            else { return nil }
            mounts.append(Mount(access: access, origin: origin, content: content, destination: destination))
        }
        guard fields.isEmpty else { return nil }
        self.bubblewrap = bubblewrap
        self.confiner = confiner
        self.workspace = workspace
        isDiskImage = disk == "image"
        uid = UInt32(user)
        hasEgress = network == "egress"
        self.workingDirectory = workingDirectory
        self.limits = limits
        let file = { (path: String) in path.isEmpty ? nil : path }
        group = Group(
            joined: joined, memoryEvents: file(memoryEvents), processEvents: file(processEvents),
            processorTime: file(processorTime))
        self.arguments = arguments
        self.environment = environment
        self.mounts = mounts
    }
}

extension SandboxLimits {
    fileprivate var processorSeconds: Int {
        get { Int(clamping: processorTime.components.seconds) }
        set { processorTime = .seconds(newValue) }
    }

    fileprivate var largestFile: Int {
        get { fileBytes ?? diskBytes }
        set { fileBytes = newValue }
    }
}

extension ArraySlice<String> {
    fileprivate mutating func popList() -> [String]? {
        guard let count = popFirst().flatMap({ Int($0) }), count >= 0, count <= self.count else { return nil }
        defer { removeFirst(count) }
        return Array(prefix(count))
    }
}
