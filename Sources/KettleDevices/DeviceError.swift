import KettleError

/// Why this machine's trusted hardware did not sign.
package enum DeviceError: UserFacingError, Hashable {
    /// A way to the hardware that Linux offers.
    package enum Device: String, Sendable {
        case configfs = "configfs-tsm"
        case sevGuest = "/dev/sev-guest"
        case tpm = "the TPM"
    }

    /// The kernel does not offer the device.
    case absent(Device)
    /// The kernel offers it to others than this user.
    case denied(Device)
    /// A system call failed with this errno.
    case failed(Device, step: String, errno: Int32)
    /// configfs-tsm belongs to other hardware.
    case foreignProvider(String, expected: String)
    /// Others changed the request while it was answered, every time.
    case busy(attempts: Int)
    /// What must be short is longer than this.
    case tooLarge(String, limitInBytes: Int)
    /// A value's length is none that it can have.
    case wrongLength(String, expected: Int, actual: Int)
    /// The device cannot report for a level as privileged as this one.
    case privilegeLevel(Int, lowest: Int)
    /// The security processor refused the request.
    case firmware(status: UInt32)
    /// The hypervisor refused the request.
    case hypervisor(error: UInt32)
    /// The device answered with bytes that are not what it should make.
    case malformed(String, reason: String)
    /// Something was signed, but not our report data.
    case notOurReportData(String)
    /// Nothing vouches for the chip's key.
    case noEndorsement(reason: String)
    /// The TPM library or the TPM answered with this code.
    case tpm(step: String, code: UInt32)
    /// The platform configuration registers changed between quote and reading, every time.
    case registersMoved(attempts: Int)
    /// Azure's metadata service did not give what was asked for.
    case metadata(String, reason: String)

    package var code: String {
        switch self {
        case .absent: "device.absent"
        case .denied: "device.denied"
        case .failed: "device.failed"
        case .foreignProvider: "device.foreign_provider"
        case .busy: "device.busy"
        case .tooLarge: "device.too_large"
        case .wrongLength: "device.wrong_length"
        case .privilegeLevel: "device.privilege_level"
        case .firmware: "device.firmware"
        case .hypervisor: "device.hypervisor"
        case .malformed: "device.malformed"
        case .notOurReportData: "device.report_data"
        case .noEndorsement: "device.no_endorsement"
        case .tpm: "device.tpm"
        case .registersMoved: "device.registers_moved"
        case .metadata: "device.metadata"
        }
    }

    package var message: String {
        switch self {
        case .absent(let device): "\(device.rawValue) is not there"
        case .denied(let device): "\(device.rawValue) may not be used by this user"
        case .failed(let device, let step, let errno):
            "\(device.rawValue) failed to \(step): \(SystemCall.text(of: errno))"
        case .foreignProvider(let name, let expected):
            "configfs-tsm is provided by \(Self.shown(name)), not by \"\(expected)\""
        case .busy(let attempts): "another process changed the request for a report, \(attempts) times in a row"
        case .tooLarge(let what, let limit): "\(what) is longer than \(limit) bytes"
        case .wrongLength(let what, let expected, let actual): "\(what) has \(actual) bytes, not \(expected)"
        case .privilegeLevel(let level, let lowest):
            "a report for privilege level \(level) was asked for, and this guest gets them from \(lowest) up"
        case .firmware(let status): "the security processor refused the report with status 0x\(Self.hex(status))"
        case .hypervisor(let error): "the hypervisor refused the report with error 0x\(Self.hex(error))"
        case .malformed(let what, let reason): "\(what) is malformed: \(reason)"
        case .notOurReportData(let what): "\(what) does not carry the report data that it was asked to sign"
        case .noEndorsement(let reason): "no certificate vouches for the chip's key: \(reason)"
        case .tpm(let step, let code): "the TPM failed to \(step) with code 0x\(Self.hex(code))"
        case .registersMoved(let attempts):
            "the TPM's registers changed between the quote and their reading, \(attempts) times in a row"
        case .metadata(let what, let reason): "the metadata service gave no \(what): \(reason)"
        }
    }

    package var hint: String? {
        switch self {
        case .absent: "run in a confidential VM whose kernel has its guest driver; `kettle doctor` shows what is there"
        case .denied: "run as root, or give this user access to the device"
        case .busy: "let one process at a time ask for reports"
        case .privilegeLevel(_, let lowest): "ask for level \(lowest) or higher"
        case .noEndorsement: "the host can supply it with each report, or AMD's service once"
        case .tpm: "tpm2_rc_decode explains the code"
        case .registersMoved: "wait until the machine has started"
        default: nil
        }
    }

    private static func hex(_ value: UInt32) -> String { String(value, radix: 16) }
}

extension DeviceError {
    static var noCertificate: DeviceError {
        .malformed("a certificate", reason: "it is not one alone, in DER or in PEM with lines of 64 letters")
    }
}
