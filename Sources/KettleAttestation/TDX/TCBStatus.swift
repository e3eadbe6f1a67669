/// How up to date a TDX platform is, in Intel's words (Intel PCS API v4, "TCB Info").
public enum TCBStatus: String, Hashable, Sendable, CaseIterable {
    case upToDate = "UpToDate"
    case softwareHardeningNeeded = "SWHardeningNeeded"
    case configurationNeeded = "ConfigurationNeeded"
    case configurationAndSoftwareHardeningNeeded = "ConfigurationAndSWHardeningNeeded"
    case outOfDate = "OutOfDate"
    case outOfDateConfigurationNeeded = "OutOfDateConfigurationNeeded"
    case revoked = "Revoked"

    /// Those that are accepted where nothing else is said: whatever runs the newest firmware.
    public static let accepted = Set(allCases.filter { $0.isAcceptedByDefault })

    package var isAcceptedByDefault: Bool {
        switch self {
        case .upToDate, .softwareHardeningNeeded, .configurationNeeded, .configurationAndSoftwareHardeningNeeded: true
        case .outOfDate, .outOfDateConfigurationNeeded, .revoked: false
        }
    }

    /// The status of a platform together with that of the TDX module or the quoting enclave that runs on it (Intel, "TDX
    /// DCAP Quote Verification", tcbStatus convergence).
    func converged(with part: TCBStatus) -> TCBStatus {
        if self == .revoked || part == .revoked { return .revoked }
        guard part == .outOfDate || part == .outOfDateConfigurationNeeded else { return self }
        switch self {
        case .upToDate, .softwareHardeningNeeded: return .outOfDate
        case .configurationNeeded, .configurationAndSoftwareHardeningNeeded: return .outOfDateConfigurationNeeded
        default: return self
        }
    }
}
