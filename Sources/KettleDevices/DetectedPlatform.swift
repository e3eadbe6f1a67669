import Foundation
import Glibc
package import KettleAttestation
import KettleError
package import SystemPackage

/// The trusted hardware that this machine offers, and what speaks against the kinds that it does not.
///
/// Looking blocks: call it on a thread that may wait.
package struct DetectedPlatform: Hashable, Sendable {
    /// Where Linux shows its hardware.
    package struct Roots: Sendable {
        package var sysfs: FilePath
        package var configfs: FilePath
        package var devices: FilePath

        package init(
            sysfs: FilePath = "/sys", configfs: FilePath = "/sys/kernel/config", devices: FilePath = "/dev"
        ) {
            self.sysfs = sysfs
            self.configfs = configfs
            self.devices = devices
        }

        /// The folder of configfs-tsm.
        package var tsm: FilePath { configfs.appending("tsm/report") }
        /// The AMD driver's device.
        package var sevGuest: FilePath { devices.appending("sev-guest") }

        /// How the kernel's TPM is reached: by its resource manager where there is one. Nil without a TPM.
        package var tpm: String? {
            ["tpmrm0", "tpm0"].map { devices.appending($0) }.first { access($0.string, F_OK) == 0 }
                .map { "device:\($0.string)" }
        }
    }

    /// What was found of one kind of trusted hardware.
    package struct Finding: Hashable, Sendable {
        package var platform: Platform
        /// How the hardware is reached, or why it is not.
        package var state: State
    }

    package enum State: Hashable, Sendable {
        case found(by: String)
        case missing(because: String)
    }

    /// One finding for each kind, in the order in which they are preferred: Azure's first, because its VMs may show the
    /// hardware's own devices as well, which the paravisor does not serve.
    package let findings: [Finding]

    /// The kind to use; nil when there is none.
    package var platform: Platform? {
        findings.first { finding in
            if case .found = finding.state { true } else { false }
        }?.platform
    }

    /// The chassis asset tag of every Azure VM.
    private static let azureTag = "7783-7084-3265-9085-8269-3286-77"

    /// Looks.
    ///
    /// - Parameters:
    ///   - roots: Where Linux shows its hardware.
    ///   - tpm: How the TPM is reached; nil for the kernel's.
    package static func find(in roots: Roots = Roots(), tpm: String? = nil) -> DetectedPlatform {
        let azure = azure(roots, tpm: tpm)
        let provider = provider(roots)
        return DetectedPlatform(findings: [
            Finding(platform: .azureTDX, state: azure(.tdx)), Finding(platform: .azureSNP, state: azure(.snp)),
            Finding(platform: .tdx, state: tdx(roots, provider)), Finding(platform: .snp, state: snp(roots, provider)),
        ])
    }

    // MARK: - Azure

    /// What speaks for and against Azure's TPM with a report of one kind. The TPM of any other machine is not touched.
    private static func azure(_ roots: Roots, tpm: String?) -> (HCLReport.Kind) -> State {
        let tag = try? String(
            contentsOfFile: roots.sysfs.appending("class/dmi/id/chassis_asset_tag").string, encoding: .utf8)
        guard tag?.trimmingCharacters(in: .whitespacesAndNewlines) == azureTag else {
            return { _ in .missing(because: "this is not an Azure VM") }
        }
        guard let configuration = tpm ?? roots.tpm else { return { _ in .missing(because: "there is no TPM") } }
        do {
            let kind = try AzureVTPM(configuration: configuration).report().kind
            return { wanted in
                wanted == kind
                    ? .found(by: "the paravisor's report in the TPM")
                    : .missing(because: "the paravisor's report is of the other kind of hardware")
            }
        } catch {
            return { _ in .missing(because: error.message) }
        }
    }

    // MARK: - The hardware's own devices

    private static func provider(_ roots: Roots) -> Result<String, DeviceError> {
        do {
            return .success(try ConfigfsTSM(root: roots.tsm).providerName())
        } catch {
            return .failure(error)
        }
    }

    private static func tdx(_ roots: Roots, _ provider: Result<String, DeviceError>) -> State {
        let state = configfs(.tdxGuest, provider)
        guard case .missing(let reason) = state,
            access(roots.devices.appending("tdx_guest").string, F_OK) == 0
        else { return state }
        return .missing(because: "/dev/tdx_guest alone gives no quotes, and \(reason)")
    }

    private static func snp(_ roots: Roots, _ provider: Result<String, DeviceError>) -> State {
        let state = configfs(.sevGuest, provider)
        guard case .missing(let reason) = state, case .failure(.absent) = provider else { return state }
        guard access(roots.sevGuest.string, F_OK) == 0 else {
            return .missing(because: "\(reason), and neither is \(DeviceError.Device.sevGuest.rawValue)")
        }
        guard access(roots.sevGuest.string, R_OK | W_OK) == 0 else {
            return .missing(because: DeviceError.denied(.sevGuest).message)
        }
        return .found(by: DeviceError.Device.sevGuest.rawValue)
    }

    private static func configfs(_ wanted: ConfigfsTSM.Provider, _ provider: Result<String, DeviceError>) -> State {
        switch provider {
        case .success(wanted.rawValue): .found(by: DeviceError.Device.configfs.rawValue)
        case .success(let name): .missing(because: DeviceError.foreignProvider(name, expected: wanted.rawValue).message)
        case .failure(let error): .missing(because: error.message)
        }
    }
}
