import Foundation
import Glibc
import KettleSandbox
import SystemPackage

/// Files that are fetched by their URLs, by curl in the sandbox: for package managers whose lockfiles name plain files.
///
/// The package manager itself has no part in it, so no configuration of the project's can send it elsewhere. What arrives is
/// nobody's word: the plan compares every file with its pinned digest afterwards.
struct Downloads {
    struct File: Sendable, Hashable {
        /// With `https:`, or `http:` for a registry that the operator named.
        var url: String
        /// The name that it gets in `layout.dependencies`, one component.
        var name: String
        /// Whether a server may answer that it is not there. Then the answer's head stands beside it: see ``head(of:)``.
        var mayBeAbsent = false
    }

    private static let curl = "/usr/bin/curl"
    /// Where the files arrive, inside the sandbox.
    private static let destination = "/build/dependencies"
    private static let listFile = "/build/downloads.conf"

    /// In any order; the same name twice is fetched once.
    var files: [File]
    /// The only hosts that can be reached.
    var endpoints: [EgressEndpoint]
    /// The name of its list in `layout.inputs`: of downloads that are steps beside one another, each has its own.
    var listName = "downloads.conf"
    /// Of one file, in bytes, where the server says before how many it has. The workspace's own limit holds for all of them.
    var limitInBytes: Int64 = 4 << 30

    /// - Returns: No step when there is nothing to fetch.
    /// - Throws: ``ToolchainError/unsupportedSource(package:source:)`` for a URL that is none.
    func steps(in layout: BuildLayout) throws(ToolchainError) -> [BuildStep] {
        guard !files.isEmpty else { return [] }
        guard access(Self.curl, X_OK) == 0 else {
            throw .toolchainMissing(tool: "curl", reason: "it is not at \(Self.curl)")
        }
        let list = layout.inputs.appending(listName)
        guard (try? Data(try configuration().utf8).write(to: URL(fileURLWithPath: list.string))) != nil else {
            throw .storageFailed(reason: "the list of downloads cannot be written")
        }
        let command = SandboxCommand(
            // Without --disable as the first argument curl reads the configuration of its user.
            arguments: [Self.curl, "--disable", "--config", Self.listFile],
            environment: [
                "PATH": SandboxCommand.standardSearchPath, "HOME": SandboxCommand.homeFolder, "LANG": "C.UTF-8",
            ],
            workingDirectory: Self.destination,
            mounts: [
                .writable(layout.dependencies, at: Self.destination), .readOnly(list, at: Self.listFile),
            ],
            network: .egress(EgressPolicy(endpoints)))
        return [BuildStep(name: "curl", command: command)]
    }

    /// curl's configuration file (curl(1), "--config"): options for all files, then each file with its name.
    func configuration() throws(ToolchainError) -> String {
        var lines = ["parallel", "parallel-max = 16", "fail-early", "no-progress-meter"]
        var seen: Set<String> = []
        for file in files where seen.insert(file.name).inserted {
            guard Self.isPlain(file.url), file.url.hasPrefix("https://") || file.url.hasPrefix("http://") else {
                throw .unsupportedSource(package: file.name, source: file.url)
            }
            guard Self.isPlain(file.name), !file.name.contains("/"), !file.name.hasPrefix(".") else {
                throw .unsupportedSource(package: file.name, source: file.url)
            }
            // Options hold for one file: each has its own set of them.
            if seen.count > 1 { lines.append("next") }
            lines += [
                "url = \"\(file.url)\"", "output = \"\(Self.destination)/\(file.name)\"",
                "proxy = \"\(EgressPolicy.proxyURL)\"",
                "proto = \"=http,https\"",
                file.mayBeAbsent ? "dump-header = \"\(Self.destination)/\(Self.head(of: file.name))\"" : "fail",
                "silent", "show-error", "location", "max-redirs = 5", "retry = 3",
                "connect-timeout = 30", "max-filesize = \(limitInBytes)", "globoff", "remove-on-error",
                file.mayBeAbsent
                    ? "write-out = \"Asked for %{url_effective}, status %{response_code}\\n\""
                    : "write-out = \"Downloaded %{url_effective}\\n\"",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The file with the head of the answer to a file that may be absent.
    static func head(of name: String) -> String { "\(name).head" }

    /// The status of the last answer in such a file: after a redirection there are several (RFC 9112, "Status Line").
    static func status(in head: [UInt8]) -> Int? {
        String(decoding: head, as: UTF8.self).split(whereSeparator: \.isNewline).last { $0.hasPrefix("HTTP/") }
            .flatMap { line in
                let parts = line.split(separator: " ")
                return parts.count > 1 ? Int(parts[1]) : nil
            }
    }

    /// Printable ASCII without what has a meaning in the configuration file.
    private static func isPlain(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 2048
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }
}
