import Glibc

/// What Kettle asks of its launcher: a command with everything looked up that the launcher need not decide.
///
/// On the wire: the length in decimal, a line feed, then that many bytes of fields that each end in NUL, in the order of
/// ``encoded()``. A list is its count and then its fields. Both sides are the same binary, so there is no version.
package struct LauncherRequest: Equatable {
    /// What a socket's buffer surely holds.
    package static let limitInBytes = 64 << 10

    /// Where `kettle-confine` stands inside.
    package static let confinerInside = "/run/kettle-confine"

    package struct Mount: Equatable {
        package var access: Access
        package var origin: Origin
        /// A path of the host, absolute or relative to the workspace, or a file's text: as `origin` says.
        package var content: String
        package var destination: String

        package init(access: Access, origin: Origin, content: String, destination: String) {
            self.access = access
            self.origin = origin
            self.content = content
            self.destination = destination
        }
    }

    package enum Access: String {
        case readable
        case writable
    }

    package enum Origin: String {
        case host
        case workspace
        case text
    }

    /// The control group of the command, by paths of the host.
    package struct Group: Equatable {
        /// Folders of groups that the launcher joins.
        package var joined: [String]
        /// A file that counts processes which were ended for want of memory: a line `oom_kill N`.
        package var memoryEvents: String?
        /// A file that counts processes which could not be made: a line `max N`.
        package var processEvents: String?
        /// A file with the processor time used: a number of nanoseconds alone, or a line `usage_usec N`.
        package var processorTime: String?

        package static let none = Group(joined: [])

        package init(
            joined: [String], memoryEvents: String? = nil, processEvents: String? = nil, processorTime: String? = nil
        ) {
            self.joined = joined
            self.memoryEvents = memoryEvents
            self.processEvents = processEvents
            self.processorTime = processorTime
        }
    }

    package var bubblewrap: String
    /// The program `kettle-confine`, which starts the command inside.
    package var confiner: String
    package var workspace: String
    /// Whether the workspace is a file system of its own, which is full when its limit is reached.
    package var isDiskImage: Bool
    /// The user to become; nil to stay the one that started the launcher.
    package var uid: UInt32?
    /// Whether the command gets a way out through Kettle: see ``LauncherEgress``.
    package var hasEgress: Bool
    package var workingDirectory: String
    package var limits: SandboxLimits
    package var group: Group
    package var arguments: [String]
    /// `NAME=value`, sorted.
    package var environment: [String]
    /// Outer ones first.
    package var mounts: [Mount]

    package init(
        bubblewrap: String, confiner: String, workspace: String, isDiskImage: Bool, uid: UInt32?, hasEgress: Bool,
        workingDirectory: String, limits: SandboxLimits, group: Group, arguments: [String], environment: [String],
        mounts: [Mount]
    ) {
        self.bubblewrap = bubblewrap
        self.confiner = confiner
        self.workspace = workspace
        self.isDiskImage = isDiskImage
        self.uid = uid
        self.hasEgress = hasEgress
        self.workingDirectory = workingDirectory
        self.limits = limits
        self.group = group
        self.arguments = arguments
        self.environment = environment
        self.mounts = mounts
    }

    /// Whether every limit that the launcher keeps is one.
    package var hasUsableLimits: Bool { Self.limitFields.allSatisfy { limits[keyPath: $0] > 0 } }
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

    package func encoded() -> [UInt8] {
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
    package init?(parsing bytes: [UInt8]) {
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
