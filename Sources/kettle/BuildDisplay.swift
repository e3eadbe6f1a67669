import ArgumentParser
import Glibc
import KettleBuild
import KettleClient
import KettleProvenance
import Synchronization

/// A build's progress, for whoever waits for it: a line that writes itself over on a terminal, lines as they come elsewhere, and every
/// event as a line of JSON for programs.
final class BuildDisplay: Sendable {
    enum Form: Sendable {
        /// Each message is a line on standard error.
        case lines
        /// One line on standard error for what goes on now, and one that stays for each phase that is over.
        case live
        /// Each event is a line on standard output.
        case events
    }

    private struct State {
        var phase: String?
        /// When the phase began, in milliseconds since 1970.
        var began: Int64 = 0
        var message = ""
        /// The last lines of the build's own output, for one that fails.
        var output: [String] = []
        var isDrawn = false
        var drawn: ContinuousClock.Instant?
        var isOver = false
    }

    /// The longest line of progress that is shown, in characters.
    private static let shownCharacters = 16 << 10
    private static let outputLines = 30
    /// A line that is written over is written at most so often.
    private static let pause = Duration.milliseconds(50)

    private let form: Form
    private let state = Mutex(State())
    private let style = TerminalStyle.errors

    init(_ form: Form) {
        self.form = form
    }

    /// What is fit for this standard error: live where a person watches, unless every line is wanted.
    static func fitting(json: Bool, verbose: Bool) -> BuildDisplay {
        BuildDisplay(json ? .events : TerminalStyle.errors.isLive && !verbose ? .live : .lines)
    }

    /// Keeps the time on the live line going until the display is over.
    func keepTime() async {
        guard form == .live else { return }
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(250))
            state.withLock { state in
                if !state.isOver, state.phase != nil { draw(&state) }
            }
        }
    }

    /// - Parameter total: In bytes.
    func sent(_ bytes: Int64, of total: Int64) {
        guard form == .live else { return }
        state.withLock { state in
            guard state.phase == nil || state.phase == "send" else { return }
            if state.phase == nil { (state.phase, state.began) = ("send", Self.now) }
            state.message = "\(Quantity.text(megabytes: bytes)) of \(Quantity.text(megabytes: total))"
            drawSeldom(&state)
        }
    }

    func show(_ event: ServiceEvent) {
        switch form {
        case .events: Terminal.say(event.json.canonicalString())
        case .lines:
            guard let message = event.message else { return }
            Terminal.warn(Self.shown(message))
        case .live: state.withLock { show(event, in: &$0) }
        }
    }

    /// How a phase ended.
    enum Mark: String {
        case done = "✓", failed = "✗"
        /// Nobody knows.
        case left = "…"

        var colour: TerminalStyle.Colour {
            switch self {
            case .done: .good
            case .failed: .bad
            case .left: .quiet
            }
        }
    }

    /// Ends the live line. What is written then stands on lines of its own.
    ///
    /// - Parameters:
    ///   - mark: Of the phase that was under way.
    ///   - isOutputWanted: Whether the end of the build's own output is shown, where it was not.
    func end(mark: Mark = .left, isOutputWanted: Bool = false) {
        guard form == .live else { return }
        state.withLock { state in
            guard !state.isOver else { return }
            if let phase = state.phase { settle(phase, mark, Self.now, &state) }
            state.isOver = true
            guard isOutputWanted else { return }
            for line in state.output { Terminal.warn(line) }
        }
    }

    /// Takes the live line away for something else that is written.
    func interrupt() {
        guard form == .live else { return }
        state.withLock { clear(&$0) }
    }

    // MARK: - The live line

    private static var now: Int64 { BuildTime.now.milliseconds }

    private static func shown(_ message: String) -> String {
        PrintableText.make(from: String(message.prefix(shownCharacters)))
    }

    private func show(_ event: ServiceEvent, in state: inout State) {
        guard !state.isOver else { return }
        let time = event.time ?? Self.now
        if let phase = event.phase.map(Self.shown), phase != state.phase {
            if let before = state.phase { settle(before, .done, time, &state) }
            (state.phase, state.began, state.message) = (phase, time, "")
            draw(&state)
        }
        guard let message = event.message.map(Self.shown) else { return }
        if event.isOutput {
            state.output.append(message)
            if state.output.count > Self.outputLines { state.output.removeFirst() }
        }
        state.message = String(message.replacing("\t", with: " ").drop { $0 == " " })
        drawSeldom(&state)
    }

    /// Leaves a line for a phase that is over.
    private func settle(_ phase: String, _ mark: Mark, _ time: Int64, _ state: inout State) {
        clear(&state)
        let seconds = Self.seconds(from: state.began, to: time)
        let name = TerminalStyle.cut(phase, to: 20)
        Terminal.warn(
            "\(style.painted(style.shown(mark.rawValue), mark.colour)) \(name)  \(style.painted(seconds, .quiet))")
    }

    private func drawSeldom(_ state: inout State) {
        let now = ContinuousClock.now
        if let drawn = state.drawn, now - drawn < Self.pause { return }
        draw(&state)
    }

    private func draw(_ state: inout State) {
        let seconds = Self.seconds(from: state.began, to: Self.now)
        let text = style.shown("\(TerminalStyle.cut(state.phase ?? "", to: 20))  \(seconds)  \(state.message)")
        // The last column stays free: terminals differ in what they do when it is written.
        let line = TerminalStyle.cut(text, to: max(10, TerminalStyle.columns(of: STDERR_FILENO) - 1))
        Terminal.write("\r\u{1B}[K\(line)")
        state.isDrawn = true
        state.drawn = .now
    }

    private func clear(_ state: inout State) {
        if state.isDrawn { Terminal.write("\r\u{1B}[K") }
        state.isDrawn = false
    }

    private static func seconds(from start: Int64, to end: Int64) -> String {
        let tenths = max(0, end.subtractingReportingOverflow(start).partialValue) / 100
        return tenths < 600 ? "\(tenths / 10).\(tenths % 10) s" : "\(tenths / 600) min \(tenths / 10 % 60) s"
    }
}

extension BuildDisplay {
    /// Runs what follows a build, and keeps the time meanwhile.
    func following<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        async let _: Void = keepTime()
        return try await body()
    }
}

extension ServiceConnection.EndedBuild {
    /// Tells a person why a build failed, in the service's words.
    func report() {
        Terminal.report(result["error"]?.stringValue ?? "the build failed", hint: result["hint"]?.stringValue)
    }

    /// 0 for a success, 1 where the source is at fault, 2 where nothing was found out about it.
    var exitCode: ExitCode {
        guard result["status"]?.stringValue != "success" else { return .success }
        let isServicesFault = ["CancelledError", "AttestationError", "InternalError"]
            .contains(result["error_type"]?.stringValue ?? "")
        return ExitCode(isServicesFault ? 2 : 1)
    }
}
