import Foundation
import KettleTesting
import SystemPackage
import Testing

/// A project that attacks, and what must come of it: `Tests/Attacks/<name>.rs` and the lines at its top.
struct Attack: Sendable, CustomTestStringConvertible {
    enum Ending: Equatable {
        case success
        case limit(String)
        case failure(code: String)
    }

    struct Malformed: Error, CustomStringConvertible {
        var description: String
    }

    let name: String
    private(set) var ending = Ending.success
    private(set) var endingWithoutRoot: Ending?
    /// Options of the service, such as `memory=256MiB`.
    private(set) var limits: [String] = []
    /// The verdicts that the project must give, in order.
    private(set) var verdicts: [String] = []
    /// The same where the service runs as an ordinary user, if any differs.
    private(set) var verdictsWithoutRoot: [String]?
    /// What must be so outside afterwards.
    private(set) var conditions: [String] = []
    private(set) var isTwice = false
    private let script: String
    private var isPastProse = false

    var testDescription: String { name }

    private static let folder = Corpus.checkout.appending("Tests").appending("Attacks")

    /// All of them, by name, or those that `KETTLE_ATTACKS` names (with blanks between).
    static let all: [Attack] = {
        let wanted = ProcessInfo.processInfo.environment["KETTLE_ATTACKS"]?.split(separator: " ").map(String.init)
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder.string)
                .filter { $0.hasSuffix(".rs") && $0 != "machine.rs" }.sorted()
                .filter { name in wanted?.contains(String(name.dropLast(3))) ?? true }
                .map { try Attack(name: String($0.dropLast(3))) }
        } catch {
            fatalError("the attacks cannot be read: \(error)")
        }
    }()

    private init(name: String) throws {
        self.name = name
        script = try String(contentsOfFile: Self.folder.appending("\(name).rs").string, encoding: .utf8)
        for line in script.split(separator: "\n").prefix(while: { $0.hasPrefix("//!") }) {
            try read(line.dropFirst(3).drop { $0 == " " })
        }
    }

    /// Reads a line of the header. Prose comes first; after it everything must be known.
    private mutating func read(_ line: Substring) throws {
        if line == "twice" {
            isTwice = true
            return
        }
        let parts = line.split(separator: ":", maxSplits: 1)
        isPastProse = isPastProse || line.hasPrefix("ends: ")
        guard isPastProse else { return }
        guard parts.count == 2 else { throw Malformed(description: "\(name) has an unknown line: \(line)") }
        let value = String(parts[1].drop { $0 == " " })
        switch parts[0] {
        case "ends": ending = try Self.ending(value, of: name)
        case "ends without root": endingWithoutRoot = try Self.ending(value, of: name)
        case "limits": limits = value.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        case "says": verdicts.append(value)
        case "says without root": verdictsWithoutRoot = (verdictsWithoutRoot ?? []) + [value]
        case "then": conditions.append(value)
        default: throw Malformed(description: "\(name) has an unknown line: \(line)")
        }
    }

    private static func ending(_ text: String, of name: String) throws -> Ending {
        let words = text.split(separator: " ", maxSplits: 1).map(String.init)
        switch words.first {
        case "success": return .success
        case "limit" where words.count == 2: return .limit(words[1])
        case "fails" where words.count == 2: return .failure(code: words[1])
        default: throw Malformed(description: "\(name) ends in no known way: \(text)")
        }
    }

    func uses(_ fact: String) -> Bool { script.contains("\"\(fact)\"") }

    /// The verdict in a line of a build's output: said as a warning of the build script, by cargo or past it, or bare.
    static func verdict(in message: String) -> String? {
        var line = message[...]
        for start in ["warning: attack@0.1.0: ", "cargo::warning="] where line.hasPrefix(start) {
            line = line.dropFirst(start.count)
        }
        return line.hasPrefix("contained: ") || line.hasPrefix("ESCAPED: ") ? String(line) : nil
    }

    /// Writes the project: the script, what it needs, and what it may know.
    func write(to folder: FilePath, facts: [String: String]) throws {
        let files = FileManager.default
        var project = Projects.hello.filter { $0.key != "src/main.rs" }
        project["src/main.rs"] = "fn main() {}\n"
        for name in ["Cargo.toml", "Cargo.lock"] {
            project[name] = project[name]?.replacingOccurrences(of: "hello", with: "attack")
        }
        project["build.rs"] = script
        project["machine.rs"] = try String(
            contentsOfFile: Self.folder.appending("machine.rs").string, encoding: .utf8)
        project["facts.txt"] = facts.map { "\($0.key)=\($0.value)\n" }.sorted().joined()
        for (path, text) in project {
            let file = folder.appending(FilePath(path).components)
            try files.createDirectory(atPath: file.removingLastComponent().string, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(filePath: file.string))
        }
        let own = Self.folder.appending(name).string
        for path in (try? files.subpathsOfDirectory(atPath: own)) ?? [] {
            let destination = folder.appending(FilePath(path).components).string
            var isFolder: ObjCBool = false
            _ = files.fileExists(atPath: "\(own)/\(path)", isDirectory: &isFolder)
            if isFolder.boolValue {
                try files.createDirectory(atPath: destination, withIntermediateDirectories: true)
            } else {
                let content = try Data(contentsOf: URL(filePath: "\(own)/\(path)"))
                try content.write(to: URL(filePath: destination))
                let isProgram = content.starts(with: Data("#!".utf8))
                try files.setAttributes([.posixPermissions: isProgram ? 0o755 : 0o644], ofItemAtPath: destination)
            }
        }
    }
}
