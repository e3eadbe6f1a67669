import ArgumentParser
import Foundation
import Glibc
import KettleAttestation
import KettleDevices
import KettleError
import KettleLauncher
import KettleProvenance
import KettleSandbox
import KettleSource
import KettleToolchains
import SystemPackage

/// `kettle doctor`: what this machine can confine, build and attest.
///
/// Exits 0 when a service with these settings can confine and build here, and 1 when it cannot.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Show what this machine can confine, build and attest.",
        discussion: """
            Takes the settings of kettle serve and tries what they need, without starting anything. "held" is kept by the \
            kernel at once; "watched" is looked at every tenth of a second; "missing" is not kept at all. Exits 0 when a \
            service with these settings can confine and build here, 1 when it cannot. The data folder itself is not touched.
            """)

    @OptionGroup var options: ServiceOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let settings = try options.settings()
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let report = await DoctorReport.make(settings, in: scratch.path)
        if json {
            Terminal.say(report.json.canonicalString())
        } else {
            for line in report.lines { Terminal.say(line) }
            for problem in report.problems { Terminal.report(problem) }
        }
        guard report.problems.isEmpty else { throw ExitCode(1) }
    }
}

/// What `kettle doctor` found.
struct DoctorReport {
    /// Something that is there or not, with what holds or is it.
    struct Row {
        var name: String
        var state: String
        var detail: String
        var value: String?
    }

    private var system: [Row] = []
    private var confinement: [Row] = []
    private var limits: [Row] = []
    private var toolchains: [Row] = []
    private var attestation: [Row] = []
    /// Why a service would not start.
    private(set) var problems: [any UserFacingError] = []

    static func make(_ settings: ServiceSettings, in folder: FilePath) async -> DoctorReport {
        var report = DoctorReport()
        report.lookAtSystem()
        await report.lookAtConfinement(settings, folder)
        await report.lookAtToolchains(settings)
        do { _ = try URLPolicy(allowedPrefixes: settings.allowedURLs, mirrors: settings.gitMirrors) } catch {
            report.problems.append(error)
        }
        do {
            _ = try ServeCommand.identity(settings)
        } catch let error as any UserFacingError {
            report.problems.append(error)
        } catch {}
        report.lookAtAttestation(settings.attestation)
        return report
    }

    // MARK: - Looking

    private mutating func lookAtSystem() {
        var name = utsname()
        uname(&name)
        let text = { (bytes: UnsafeRawBufferPointer) in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
        let release = withUnsafeBytes(of: &name.release, text)
        let machine = withUnsafeBytes(of: &name.machine, text)
        system = [
            Row(name: "kettle", state: Kettle.version, detail: ""),
            Row(name: "kernel", state: "Linux \(release)", detail: machine),
            Row(
                name: "user", state: geteuid() == 0 ? "root" : "\(geteuid())", detail: geteuid() == 0 ? "" : "not root"),
        ]
    }

    private mutating func lookAtConfinement(_ settings: ServiceSettings, _ folder: FilePath) async {
        let found = await Confinement.find(settings.limits, in: folder)
        confinement = found.measures.map { Row(name: $0.name, state: $0.grade.rawValue, detail: $0.by) }
        for limit in SandboxLimit.allCases where limit != .network {
            let measure = found.measure(of: limit)
            limits.append(
                Row(
                    name: measure.name, state: measure.grade.rawValue, detail: measure.by,
                    value: settings.limits.text(of: limit)))
        }
        limits.append(
            Row(
                name: "artifact bytes", state: "held", detail: "counted by the service",
                value: "\(settings.artifactLimitInBytes) bytes"))
        let refused = found.weakLimits.filter { !settings.allowedUnconfined.contains($0.name) }
        if !refused.isEmpty { problems.append(ConfinementError.weak(refused)) }
        do {
            let sandbox = try Sandbox(
                confiner: BuildSetup.confiner(), groups: found.groups, disk: found.disk)
            let time = try await sandbox.probe(in: folder, times: 9)
            let milliseconds = Double(time.components.attoseconds) / 1e15 + Double(time.components.seconds) * 1000
            confinement.append(
                Row(
                    name: "start and end", state: String(format: "%.1f ms", milliseconds),
                    detail: "of a command that does nothing"))
        } catch {
            let problem = error as? any UserFacingError ?? SandboxError.confinerMissing
            problems.append(problem)
            if let index = confinement.firstIndex(where: { $0.name == "namespaces" }) {
                confinement[index].state = Confinement.Grade.missing.rawValue
                confinement[index].detail = problem.message
            }
        }
    }

    /// A toolchain that is not there is no problem as long as another one is.
    private mutating func lookAtToolchains(_ settings: ServiceSettings) async {
        var missing: ToolchainError?
        for offer in await Toolchains.find(settings, cache: nil) {
            switch offer.toolchain {
            case .success(let toolchain):
                toolchains.append(
                    Row(name: offer.kind.name, state: "ready", detail: toolchain.versions.joined(separator: ", ")))
            case .failure(let error):
                toolchains.append(
                    Row(
                        name: offer.kind.name, state: "missing",
                        detail: "\(error.message); to have it, \(offer.kind.installation)"))
                if case .invalidConfiguration = error { problems.append(error) } else { missing = missing ?? error }
            }
        }
        if let missing, !toolchains.contains(where: { $0.state == "ready" }) { problems.append(missing) }
    }

    /// The trusted hardware that is there, and what speaks against the kinds that are not. No evidence is made.
    private mutating func lookAtAttestation(_ settings: AttestationSettings) {
        let found = DetectedPlatform.find(in: settings.devices, tpm: settings.tpm)
        attestation = found.findings.map { finding in
            switch finding.state {
            case .found(let by): Row(name: finding.platform.rawValue, state: "ready", detail: by)
            case .missing(let reason): Row(name: finding.platform.rawValue, state: "absent", detail: reason)
            }
        }
        attestation.append(
            Row(name: "software", state: "ready", detail: "a key of the service's own; no hardware vouches for it"))
        do { _ = try settings.roots() } catch { problems.append(error) }
        if case .hardware(let platform) = settings.choice, !found.has(platform) {
            problems.append(AttestationSetupError.missing(platform, found.reasons))
        }
    }

    // MARK: - Telling

    private var sections: [(title: String, rows: [Row])] {
        [
            ("system", system), ("confinement", confinement), ("limits", limits), ("toolchains", toolchains),
            ("attestation", attestation),
        ]
    }

    var lines: [String] {
        var lines: [String] = []
        for (title, rows) in sections {
            if !lines.isEmpty { lines.append("") }
            lines.append(title)
            for row in rows {
                let columns = [(row.name, 16), (row.state, 9), (row.value ?? "", row.value == nil ? 0 : 24)]
                let text =
                    columns.map { text, width in
                        width == 0 ? "" : text + String(repeating: " ", count: max(1, width - text.count))
                    }.joined() + row.detail
                lines.append("  " + String(text.reversed().drop { $0 == " " }.reversed()))
            }
        }
        return lines
    }

    var json: JSONValue {
        var object: [String: JSONValue] = [:]
        for (title, rows) in sections {
            object[title] = .array(
                rows.map { row in
                    var fields: [String: JSONValue] = [
                        "name": .string(row.name), "state": .string(row.state), "detail": .string(row.detail),
                    ]
                    if let value = row.value { fields["value"] = .string(value) }
                    return .object(fields)
                })
        }
        object["ready"] = .bool(problems.isEmpty)
        object["problems"] = .array(problems.map(JSONValue.init(problem:)))
        return .object(object)
    }
}
