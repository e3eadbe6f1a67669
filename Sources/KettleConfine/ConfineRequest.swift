/// What `kettle-confine` is asked to do, as its arguments: numbers, then folders, then the command.
package struct ConfineRequest: Equatable, Sendable {
    /// Where a ``ConfineFailure`` is written.
    package var reportDescriptor: Int32

    /// Processes and threads that the command may have at one time; nil where something else bounds them.
    package var processes: Int?

    /// The only TCP port that the command may connect to, and it may listen at none; nil where a port is not the question.
    package var proxyPort: UInt16?

    /// Absolute paths of folders below which the command may write.
    package var writableFolders: [String]

    /// The program, an absolute path, and its arguments.
    package var command: [String]

    package init(
        reportDescriptor: Int32, processes: Int?, proxyPort: UInt16?, writableFolders: [String], command: [String]
    ) {
        self.reportDescriptor = reportDescriptor
        self.processes = processes
        self.proxyPort = proxyPort
        self.writableFolders = writableFolders
        self.command = command
    }

    package var arguments: [String] {
        [
            String(reportDescriptor), String(processes ?? 0), String(proxyPort ?? 0), String(writableFolders.count),
        ] + writableFolders + command
    }

    /// - Returns: nil unless the arguments are those of a request.
    package init?(arguments: some Collection<String>) {
        var rest = Array(arguments)[...]
        guard let descriptor = rest.popFirst().flatMap({ Int32($0) }), descriptor > 2,
            let processes = rest.popFirst().flatMap({ Int($0) }), processes >= 0,
            let port = rest.popFirst().flatMap({ UInt16($0) }),
            let count = rest.popFirst().flatMap({ Int($0) }), count >= 0, count < rest.count
        else { return nil }
        reportDescriptor = descriptor
        self.processes = processes == 0 ? nil : processes
        proxyPort = port == 0 ? nil : port
        writableFolders = Array(rest.prefix(count))
        command = Array(rest.dropFirst(count))
    }
}

/// Why a command was not started. Two bytes on the wire, so that whoever gets hold of the pipe can choose no words.
package struct ConfineFailure: Equatable, Sendable {
    package enum Step: UInt8, Sendable {
        case request = 1
        case processLimit
        case landlock
        case start

        /// Completes "could not …".
        package var purpose: String {
            switch self {
            case .request: "read what to run"
            case .processLimit: "limit processes"
            case .landlock: "restrict the command with Landlock"
            case .start: "start the program"
            }
        }
    }

    package var step: Step
    /// errno(3).
    package var error: Int32

    package init(_ step: Step, error: Int32) {
        self.step = step
        self.error = error
    }

    package var encoded: [UInt8] { [step.rawValue, UInt8(truncatingIfNeeded: error)] }

    /// - Returns: nil unless the bytes are a failure.
    package init?(parsing bytes: [UInt8]) {
        guard bytes.count == 2, let step = Step(rawValue: bytes[0]) else { return nil }
        self.init(step, error: Int32(bytes[1]))
    }
}
