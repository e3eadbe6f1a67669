import Foundation
import KettleAttestation
import KettleBuild
import KettleSandbox
import KettleSource
import KettleStore
import KettleToolchains
import Logging
import NIOPosix
import SystemPackage

/// Everything that builds, put together from settings.
struct BuildSetup {
    let settings: ServiceSettings
    let folder: DataFolder
    /// Where what can be had again is kept.
    let cache: FilePath
    /// Nil leaves builds without evidence.
    let attester: (any Attester)?
    /// What belongs into bundles beside the evidence; nil for nothing.
    var collateral: CollateralFetching?
    let slots: Int
    /// How long a build that has ended waits for a disk that takes the record of it.
    var recordingPatience = Duration.zero

    /// - Throws: ``ConfinementError/weak(_:)`` when the machine confines less than the operator allowed, and what makes a
    ///   toolchain or the store unusable.
    func makeService(threads: NIOThreadPool, logger: Logger) async throws -> BuildService {
        let store = try BuildStore(in: folder)
        let sandbox = try await makeSandbox(logger)
        let toolchains = await Toolchains.find(settings, cache: cache)
        let ready = try ready(toolchains, logger)
        // The first builds need the digests of the toolchains; nobody should have to wait for them, and who stops the service least:
        // a thread of its own ends with the process.
        Thread.detachNewThread { for toolchain in ready { _ = try? toolchain.tools() } }
        let urls = try URLPolicy(allowedPrefixes: settings.allowedURLs, mirrors: settings.gitMirrors)
        return BuildService(
            store: store,
            configuration: BuildConfiguration(
                version: Kettle.version, sandbox: sandbox,
                git: GitSource(sandbox: sandbox, policy: urls, threads: threads, commandLimits: settings.limits),
                toolchains: toolchains, attester: attester, collateral: collateral, slots: slots,
                queueLimit: settings.queueLimit, attemptLimit: settings.attemptLimit,
                minimumFreeBytes: Int64(settings.minimumFreeBytes), recordingPatience: recordingPatience,
                retention: settings.retention, limits: settings.limits,
                artifactLimitInBytes: Int64(settings.artifactLimitInBytes)),
            threads: threads, logger: logger)
    }

    /// - Throws: A setting that cannot be used, and the error of the first toolchain where there is none at all.
    private func ready(
        _ toolchains: [ToolchainOffer], _ logger: Logger
    ) throws(ToolchainError) -> [any Toolchain] {
        var ready: [any Toolchain] = []
        var missing: ToolchainError?
        for offer in toolchains {
            switch offer.toolchain {
            case .success(let toolchain): ready.append(toolchain)
            case .failure(.invalidConfiguration(let reason)): throw .invalidConfiguration(reason: reason)
            case .failure(let error):
                missing = missing ?? error
                logger.info(
                    "a toolchain is not there",
                    metadata: ["toolchain": "\(offer.kind.name)", "reason": "\(error.message)"])
            }
        }
        if ready.isEmpty, let missing { throw missing }
        return ready
    }

    /// A sandbox that has been tried, with all that this machine has to confine builds with.
    private func makeSandbox(_ logger: Logger) async throws -> Sandbox {
        let confinement = await Confinement.find(settings.limits, in: folder.work)
        let weak = confinement.weakLimits
        let refused = weak.filter { !settings.allowedUnconfined.contains($0.name) }
        guard refused.isEmpty else { throw ConfinementError.weak(refused) }
        let sandbox = try Sandbox(
            confiner: Self.confiner(), groups: confinement.groups, disk: confinement.disk)
        try await sandbox.probe(in: folder.work)
        for measure in confinement.measures + weak where measure.grade != .held {
            logger.warning(
                "builds are confined less than they could be",
                metadata: ["what": "\(measure.name)", "state": "\(measure.grade.rawValue)", "by": "\(measure.by)"])
        }
        return sandbox
    }

    /// The program that confines commands, which is built and installed with this one.
    static func confiner() throws -> FilePath {
        FilePath(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            .removingLastComponent().appending("kettle-confine")
    }
}
