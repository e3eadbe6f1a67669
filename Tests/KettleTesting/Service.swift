import Foundation
import Glibc
import Subprocess
package import SystemPackage

/// Who a service of a test runs as.
package enum ServiceUser: Sendable, Hashable {
    /// Whoever runs the tests.
    case current
    /// Somebody without rights; whoever runs the tests, where that is no root.
    case ordinary
}

/// A `kettle serve` of one test's own: the built binary on a free port of loopback, with a data folder that goes away.
package struct Service: Sendable {
    /// `http://127.0.0.1:PORT`
    package let address: String
    package let processID: CInt
    package let dataFolder: FilePath
    /// What it writes to standard error.
    package let log: FilePath

    package var publicKey: FilePath { dataFolder.appending("software-key.pub.pem") }

    package struct DidNotStart: Error, CustomStringConvertible {
        package var description: String
    }

    /// Runs a service for as long as `body` takes, then ends it with SIGTERM, and with SIGKILL if it does not obey.
    ///
    /// - Parameters:
    ///   - options: Options of `kettle serve` beside port and data folder.
    ///   - data: A data folder that outlives this service; a fresh one where there is none.
    ///   - environment: Variables beside those of the tests.
    ///   - user: Who the service runs as. The folder above an ordinary user's data folder becomes that user's.
    package static func run<Result: Sendable>(
        _ options: [String] = [], data: FilePath? = nil, environment: [String: String] = [:],
        as user: ServiceUser = .current,
        _ body: @escaping @Sendable (Service) async throws -> Result
    ) async throws -> Result {
        let scratch = try ScratchFolder()
        let dataFolder = data ?? scratch.path.appending("data")
        let log = try FileDescriptor.open(
            scratch.path.appending("stderr"), .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
        defer { try? log.close() }
        ToolDigestCache.lend(to: dataFolder)
        defer { ToolDigestCache.take(from: dataFolder) }
        // Few tests are about builds that go on while the service stops; the others need not wait for them.
        let drain = options.contains("--drain") ? [] : ["--drain", "0"]
        let command =
            [KettleExecutable.path.string, "serve", "--port", "0", "--data-dir", dataFolder.string] + drain + options
        let variables = Dictionary(
            environment.map { (Environment.Key(stringLiteral: $0.key), Optional($0.value)) },
            uniquingKeysWith: { $1 })
        let isWrapped = user == .ordinary && geteuid() == 0
        let wrapper = [
            "--mount", "--propagation", "private",
            Corpus.checkout.appending("Tests").appending("as-ordinary-user").string,
            dataFolder.removingLastComponent().string,
        ]
        let ended = try await Subprocess.run(
            isWrapped ? .name("unshare") : .path(KettleExecutable.path),
            arguments: Arguments(isWrapped ? wrapper + command : Array(command.dropFirst())),
            environment: .inherit.updating(variables), input: .none, output: .sequence,
            error: .fileDescriptor(log, closeAfterSpawningProcess: false)
        ) { execution -> Swift.Result<Result, any Error> in
            let processID = execution.processIdentifier.value
            var lines = Lines(execution.standardOutput)
            var address: String?
            while address == nil, let line = try await lines.next() {
                if line.hasPrefix("Kettle listens on ") { address = String(line.dropFirst("Kettle listens on ".count)) }
            }
            guard let address else {
                let said = try? String(contentsOfFile: scratch.path.appending("stderr").string, encoding: .utf8)
                return .failure(DidNotStart(description: "kettle serve ended before it listened: \(said ?? "")"))
            }
            let service = Service(
                address: address, processID: processID, dataFolder: dataFolder,
                log: scratch.path.appending("stderr"))
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body(service)) } catch { result = .failure(error) }
            kill(processID, SIGTERM)
            let impatience = Task {
                try await Task.sleep(for: .seconds(45))
                kill(processID, SIGKILL)
            }
            while (try? await lines.next()) != nil {}  // up to the end of the process
            impatience.cancel()
            return result
        }
        return try ended.closureResult.get()
    }

    /// Standard output by lines.
    private struct Lines {
        private var iterator: SubprocessOutputSequence.AsyncIterator
        private var pending: [UInt8] = []

        init(_ sequence: SubprocessOutputSequence) {
            iterator = sequence.makeAsyncIterator()
        }

        mutating func next() async throws -> String? {
            while true {
                if let end = pending.firstIndex(of: 0x0A) {
                    let line = String(decoding: pending[..<end], as: UTF8.self)
                    pending.removeSubrange(...end)
                    return line
                }
                guard let buffer = try await iterator.next() else { return nil }
                buffer.withUnsafeBytes { pending += $0 }
            }
        }
    }
}

extension Service {
    /// Sends the process a signal.
    package func send(_ signal: CInt) {
        kill(processID, signal)
    }

    /// Whether the process is there and no zombie.
    package var isAlive: Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8) else { return false }
        return status.split(separator: ")").last?.hasPrefix(" Z") == false
    }

    /// Sets the kernel's high-water mark of resident memory to what it is now.
    package func resetPeakMemory() throws {
        try Data("5".utf8).write(to: URL(filePath: "/proc/\(processID)/clear_refs"))
    }

    /// Resident memory in bytes: now (`VmRSS`), or at its peak (`VmHWM`).
    package func memory(_ key: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix(key + ":") } ?? ""
        return (line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
    }

    /// Every process below this one.
    package var descendants: [CInt] {
        var parents: [CInt: [CInt]] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let id = CInt(name), let stat = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8),
                let fields = stat.split(separator: ")").last?.split(separator: " "), fields.count > 1,
                let parent = CInt(fields[1])
            else { continue }
            parents[parent, default: []].append(id)
        }
        var found: [CInt] = []
        var next = parents[processID] ?? []
        while let id = next.popLast() {
            found.append(id)
            next += parents[id] ?? []
        }
        return found
    }

    /// Every file and folder of the data folder but the database and the cache, which is filled some time after the start.
    package var dataFiles: Set<String> {
        let all = FileManager.default.enumerator(atPath: dataFolder.string)?.compactMap { $0 as? String } ?? []
        return Set(all.filter { !$0.hasPrefix("kettle.db") && !$0.hasPrefix("cache/") })
    }
}
