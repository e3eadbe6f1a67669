import KettleSandbox
import KettleSource

/// What npm's and pnpm's builds have in common: where their packages come from, what they see, and what they leave.
protocol NodePlan: BuildPlan {
    var layout: BuildLayout { get }
    var installation: NodeInstallation { get }
    var tarballs: NodeTarballs { get }
}

extension NodePlan {
    static var source: String { "/build/source" }
    static var target: String { "/build/target" }

    func fetchSteps(with repositories: [GitMirror]) throws(ToolchainError) -> [BuildStep] {
        try tarballs.fetchSteps()
    }

    var mounts: [SandboxMount] {
        installation.mounts + [
            .writable(layout.source, at: Self.source), .writable(layout.target, at: Self.target),
        ]
    }

    func artifacts(announced: [ArtifactPath]) throws(ToolchainError) -> [ArtifactPath] {
        try NodeDist.artifacts(in: layout)
    }
}
