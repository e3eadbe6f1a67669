import KettleSandbox
import KettleStore
import KettleToolchains
import Synchronization
import SystemPackage

/// What a build's commands print: every line becomes an event and a line of build.log.
///
/// Shared between the two tasks that drain a command's standard output and standard error.
final class BuildOutput: Sendable {
    /// How many of the last lines a failed build shows in its result.
    static let lastLineLimit = 40

    private struct State {
        var stdout = LineSplitter()
        var stderr = LineSplitter()
        var reader: any BuildOutputReader
        var phase = BuildEvent.Phase.build
        var lastLines: [String] = []
    }

    private let state: Mutex<State>
    private let events: EventLog
    private let file: NewFile

    /// - Throws: ``StoreError`` when the log file cannot be made.
    init(events: EventLog, logFile: FilePath, reader: any BuildOutputReader) throws(StoreError) {
        self.events = events
        file = try NewFile(at: logFile, called: "build.log")
        state = Mutex(State(reader: reader))
    }

    /// Takes a piece of output as it was read; lines that it ends go out at once.
    func take(_ stream: OutputStream, _ chunk: UnsafeRawBufferPointer) throws {
        try state.withLock { state in
            var lines = Lines()
            switch stream {
            case .stdout: state.stdout.split(chunk) { lines.add($0, from: stream, in: state.phase, to: &state.reader) }
            case .stderr: state.stderr.split(chunk) { lines.add($0, from: stream, in: state.phase, to: &state.reader) }
            }
            try publish(lines, &state)
        }
    }

    /// Says that a command has ended, so that a last line without a line break counts too.
    func endCommand() throws {
        try state.withLock { state in
            var lines = Lines()
            state.stdout.finish { lines.add($0, from: .stdout, in: state.phase, to: &state.reader) }
            state.stderr.finish { lines.add($0, from: .stderr, in: state.phase, to: &state.reader) }
            try publish(lines, &state)
        }
    }

    /// Says to which phase the lines that follow belong.
    func begin(_ phase: BuildEvent.Phase) {
        state.withLock { $0.phase = phase }
    }

    /// The last lines that were shown, oldest first.
    var lastLines: [String] { state.withLock { $0.lastLines } }

    /// What the toolchain itself announced as made.
    var announcedArtifacts: [ArtifactPath] {
        get throws { try state.withLock { try $0.reader.artifacts() } }
    }

    private func publish(_ lines: Lines, _ state: inout State) throws {
        guard !lines.shown.isEmpty else { return }
        try lines.raw.withUnsafeBytes { try file.write($0) }
        state.lastLines += lines.shown.suffix(Self.lastLineLimit).map(\.text)
        if state.lastLines.count > Self.lastLineLimit {
            state.lastLines.removeFirst(state.lastLines.count - Self.lastLineLimit)
        }
        try events.append(
            lines.shown.map { BuildEvent($0.text, phase: state.phase, stream: $0.stream).encoded() })
    }

    /// Lines of one piece of output: raw for the log, harmless for the stream.
    private struct Lines {
        var raw: [UInt8] = []
        var shown: [(text: String, stream: BuildEvent.Stream)] = []

        mutating func add(
            _ line: UnsafeRawBufferPointer, from stream: OutputStream, in phase: BuildEvent.Phase,
            to reader: inout any BuildOutputReader
        ) {
            // What a fetch prints says nothing of what the build makes.
            let visible =
                phase == .build ? reader.read(line: line, from: stream) : String(decoding: line, as: UTF8.self)
            guard let text = visible else { return }
            raw += line
            raw.append(0x0A)
            shown.append((PrintableText.make(from: text), stream == .stdout ? .stdout : .stderr))
        }
    }
}
