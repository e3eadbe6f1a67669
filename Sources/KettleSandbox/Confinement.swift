import Glibc
import KettleConfine
package import KettleLauncher
import NIOPosix
package import SystemPackage

/// What this machine has to confine builds with, found out by trying.
package struct Confinement: Sendable {
    /// How well something is kept.
    package enum Grade: String, Sendable, Hashable {
        /// By the kernel, at once.
        case held
        /// By the launcher, which looks every tenth of a second and ends the build: what is used up in between is used up.
        case watched
        /// Not at all.
        case missing
    }

    /// One thing that is kept, and by what.
    package struct Measure: Sendable, Hashable {
        package var name: String
        package var grade: Grade
        package var by: String
    }

    package let groups: ControlGroups?
    package let disk: DiskImage?
    private let limits: SandboxLimits
    private let landlock: Int?
    private let isRoot: Bool
    private let diskReason: String

    /// Looks what there is, and makes of it what a sandbox needs.
    ///
    /// - Parameter folder: Where something may lie for the moment.
    package static func find(_ limits: SandboxLimits, in folder: FilePath) async -> Confinement {
        let groups = try? await NIOThreadPool.singleton.runIfActive { ControlGroups.find() }
        var disk: DiskImage?
        var reason = "only root can mount a file system for each build"
        if geteuid() == 0 {
            do {
                disk = try await mountedOnce(limits, in: folder)
            } catch {
                reason = (error as? SandboxError)?.message ?? "no file system can be mounted"
            }
        }
        return Confinement(
            groups: groups ?? nil, disk: disk, limits: limits, landlock: LandlockRules.version, isRoot: geteuid() == 0,
            diskReason: reason)
    }

    private static func mountedOnce(_ limits: SandboxLimits, in folder: FilePath) async throws -> DiskImage? {
        guard DiskImage.isPossible else {
            throw SandboxError.workspaceFailed(operation: "be mounted", reason: "there is no loop device or no mke2fs")
        }
        let image = try await DiskImage.format(bytes: limits.diskBytes, files: limits.files, in: folder)
        let trial = Workspace(path: folder.appending("trial-\(UInt64.random(in: 0 ... .max))"), uid: nil, disk: image)
        try await NIOThreadPool.singleton.runIfActive {
            defer { trial.remove() }
            try trial.make()
        }
        return image
    }

    // MARK: - Told

    /// What keeps builds apart from everything else.
    package var measures: [Measure] {
        [
            Measure(name: "namespaces", grade: .held, by: "bubblewrap: mount, pid, network, ipc, uts, cgroup and user"),
            Measure(
                name: "user", grade: isRoot ? .held : .missing,
                by: isRoot ? "each build has a user of its own" : "builds run as the service's own user, in a namespace"
            ),
            Measure(
                name: "system calls", grade: .held,
                by: "seccomp: \(SystemCallFilter.callCount) calls refused or bounded"),
            landlock.map { Measure(name: "landlock", grade: .held, by: "version \($0)") }
                ?? Measure(name: "landlock", grade: .missing, by: "the kernel has none"),
        ]
    }

    /// What bounds a build, by limit.
    package func measure(of limit: SandboxLimit) -> Measure {
        let (grade, by): (Grade, String) =
            switch limit {
            case .wallClock: (.held, "a timer of the service")
            case .outputBytes, .outputLines, .network: (.held, "counted by the service")
            case .openFiles: (.held, "rlimit")
            case .memory: group(.memory, or: .watched, "summed up every tenth of a second")
            case .processorTime:
                group(groups?.version == .two ? .cpu : .cpuacct, or: .watched, "summed up every tenth of a second")
            case .processes: group(.pids, or: .held, "rlimit in the build's user namespace")
            case .disk, .files:
                disk != nil
                    ? (.held, "a file system of its own")
                    : (.watched, "counted every now and then; \(diskReason)")
            }
        return Measure(name: limit.rawValue, grade: grade, by: by)
    }

    private func group(_ controller: ControlGroups.Controller, or grade: Grade, _ by: String) -> (Grade, String) {
        guard let groups, groups.has(controller) else { return (grade, "\(by); no control group can be made") }
        return (.held, "\(groups.version.rawValue) (\(controller.rawValue))")
    }

    /// The limits that a build could exceed for a moment at the machine's cost.
    package var weakLimits: [Measure] {
        [SandboxLimit.memory, .processes, .disk].map(measure).filter { $0.grade != .held }
    }
}
