import KettleProvenance
import KettleSandbox
import KettleSource
import SystemPackage

/// Commands of git that write out commits which Kettle fetched: in a sandbox without any connection, from repositories that
/// nobody can write, and without anybody's configuration.
struct GitCheckoutSteps {
    private static let repositories = "/build/repositories"
    private static let dependencies = "/build/dependencies"

    let mirrors: [GitMirror]
    /// Where they write, on the host.
    let dependencies: FilePath

    /// One `git checkout`, and one for each submodule.
    ///
    /// - Parameters:
    ///   - place: A folder that is there, relative to `dependencies`.
    ///   - name: What the commit is called for people.
    func steps(
        for commit: String, at place: String, called name: String, submodules: Bool = true
    ) throws(ToolchainError) -> [BuildStep] {
        guard let index = mirrors.firstIndex(where: { $0.commits.contains { $0.id == commit } }),
            let fetched = mirrors[index].commits.first(where: { $0.id == commit })
        else { throw .missingPackage(name) }
        var steps = [BuildStep(name: "git checkout of \(name)", command: command(for: commit, at: place, index))]
        guard submodules else { return steps }
        for (path, id) in fetched.gitlinks.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            guard let path = String(validating: path, as: UTF8.self) else {
                throw .unusablePackage(package: name, reason: "the path of a submodule is not UTF-8")
            }
            steps += try self.steps(for: id.hexadecimal, at: "\(place)/\(path)", called: "\(name)/\(path)")
        }
        return steps
    }

    private func command(for commit: String, at place: String, _ index: Int) -> SandboxCommand {
        let settings = [
            // They belong to another user than the one who reads them.
            ("safe.directory", "*"), ("protocol.allow", "never"), ("core.hooksPath", "/dev/null"),
            ("core.autocrlf", "false"), ("core.fsmonitor", "false"),
        ]
        let folder = "\(Self.dependencies)/\(place)"
        var environment = [
            "PATH": SandboxCommand.standardSearchPath, "HOME": SandboxCommand.homeFolder, "LANG": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
            "GIT_DIR": "\(Self.repositories)/\(index)", "GIT_INDEX_FILE": "/tmp/index", "GIT_WORK_TREE": folder,
            "GIT_CONFIG_COUNT": "\(settings.count)",
        ]
        for (number, setting) in settings.enumerated() {
            environment["GIT_CONFIG_KEY_\(number)"] = setting.0
            environment["GIT_CONFIG_VALUE_\(number)"] = setting.1
        }
        return SandboxCommand(
            arguments: ["/usr/bin/git", "checkout", "--quiet", "--force", commit, "--", "."], environment: environment,
            workingDirectory: folder,
            mounts: [
                .readOnly(mirrors[index].path, at: "\(Self.repositories)/\(index)"),
                .writable(dependencies, at: Self.dependencies),
            ])
    }
}
