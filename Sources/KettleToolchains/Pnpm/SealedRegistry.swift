import Glibc
import KettleSandbox
import SystemPackage

/// A registry inside the sandbox, with the tarballs of one build and nothing else.
///
/// The sandbox has a loopback of its own and no other network. Each major version of pnpm keeps its store in another form, which is
/// nobody's business but pnpm's; but all of them ask a registry for `<name>/-/<name>-<version>.tgz` and compare what they get with
/// the lockfile. So that is what they get.
enum SealedRegistry {
    private static let mountPoint = "/build/registry"
    static let url = "http://127.0.0.1:4873/"

    static func path(in layout: BuildLayout) -> FilePath { layout.inputs.appending("registry") }

    static func make(in layout: BuildLayout) throws(ToolchainError) {
        try makeFolder(path(in: layout))
    }

    /// Lays out a tarball where a registry has it.
    static func lay(
        _ tarball: NodeTarball, from store: PackageStore, in layout: BuildLayout
    ) throws(ToolchainError) {
        var folder = path(in: layout)
        let parts = tarball.package.tarballPath.split(separator: "/").map(String.init)
        for part in parts.dropLast() {
            folder.append(part)
            try makeFolder(folder)
        }
        guard let name = parts.last, try store.copy(tarball.digest, to: folder.appending(name)) else {
            throw .missingPackage(tarball.package.text)
        }
    }

    /// Readable to whoever builds, whatever the service's umask.
    private static func makeFolder(_ path: FilePath) throws(ToolchainError) {
        if mkdir(path.string, 0o755) == 0, chmod(path.string, 0o755) == 0 { return }
        guard errno == EEXIST else { throw .storageFailed(reason: String(cString: strerror(errno))) }
    }

    static func mount(in layout: BuildLayout) -> SandboxMount { .readOnly(path(in: layout), at: mountPoint) }

    /// The arguments of Node.js that run a script of JavaScript with the registry at hand.
    static func arguments(node: String, running command: [String]) -> [String] {
        [node, "-e", script, "--", mountPoint, node] + command
    }

    /// Serves the files of a folder, runs a command, and ends as it ends.
    private static let script = """
        const http = require("http"), fs = require("fs"), { spawn } = require("child_process");
        const [root, program, ...options] = process.argv.slice(1);
        const files = new Map();
        const walk = (path) => {
          for (const entry of fs.readdirSync(root + path, { withFileTypes: true })) {
            if (entry.isDirectory()) walk(path + "/" + entry.name);
            else files.set(path + "/" + entry.name, root + path + "/" + entry.name);
          }
        };
        walk("");
        const server = http.createServer((request, response) => {
          let path = "";
          try { path = decodeURIComponent(request.url.split("?")[0]); } catch {}
          const file = request.method === "GET" ? files.get(path) : undefined;
          if (!file) { response.writeHead(404).end(); return; }
          response.writeHead(200, { "content-type": "application/octet-stream", "content-length": fs.statSync(file).size });
          fs.createReadStream(file).pipe(response);
        });
        server.listen(4873, "127.0.0.1", () => {
          const child = spawn(program, options, { stdio: ["ignore", "inherit", "inherit"] });
          child.on("error", () => process.exit(1));
          child.on("exit", (status) => process.exit(status ?? 1));
        });
        """
}
