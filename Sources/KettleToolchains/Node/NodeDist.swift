import KettleSandbox
import SystemPackage

/// What a build of JavaScript leaves: packed packages, and the folder `dist` that bundlers write.
enum NodeDist {
    static let archiveName = "dist.tar"
    private static let target = "/build/target"

    /// Packs `dist`, where the build has made one, into one file: a statement's subjects are files.
    ///
    /// It runs in the sandbox as the build did, since the folder is the build's. Names sorted, times and owners fixed: the same
    /// files make the same archive.
    static func step(
        _ installation: NodeInstallation, folder: String, environment: [String: String], mounts: [SandboxMount]
    ) -> BuildStep {
        let tar = [
            "--create", "--file=\(target)/\(archiveName)", "--format=gnu", "--sort=name", "--mtime=@315532800",
            "--owner=0", "--group=0", "--numeric-owner", "--mode=u+rw,go+r,go-w,a-st,a+X", "dist",
        ]
        // Only the end of the build tells whether the folder is there, and Kettle runs no shell.
        let script = """
            const fs = require("fs");
            const isFolder = fs.existsSync("dist") && fs.lstatSync("dist").isDirectory();
            if (!isFolder || fs.readdirSync("dist").length === 0) process.exit(0);
            const { status } = require("child_process").spawnSync("/usr/bin/tar", process.argv.slice(1), { stdio: "inherit" });
            process.exit(status ?? 1);
            """
        let command = SandboxCommand(
            arguments: [installation.node, "-e", script, "--"] + tar, environment: environment,
            workingDirectory: folder, mounts: mounts)
        return BuildStep(name: "tar dist", command: command)
    }

    /// The tarballs and the archive in the target folder; whatever else a build has put there is nobody's business.
    static func artifacts(in layout: BuildLayout) throws(ToolchainError) -> [ArtifactPath] {
        let entries = (try? UnpackedSource(root: layout.target).entries(of: "")) ?? []
        return try ArtifactPath.sorted(
            entries.filter { !$0.isFolder && ($0.name.hasSuffix(".tgz") || $0.name == archiveName) }
                .map { ArtifactPath(name: $0.name, path: $0.name) })
    }
}
