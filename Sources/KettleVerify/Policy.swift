public import KettleAttestation
public import KettleProvenance

/// What a bundle has to be for someone to accept it, beside being genuine and whole.
///
/// A list that is there must hold what the bundle has; one that is not there asks nothing. `docs/policy.md` has the file's
/// form.
public struct Policy: Hashable, Sendable {
    /// `builder.id`, exactly.
    public var builders: [String]?
    /// `buildType`, exactly.
    public var buildTypes: [String]?
    public var sources: [SourcePattern]?
    public var refs: [RefPattern]?
    /// Git commits, 40 or 64 lower-case hexadecimal digits.
    public var commits: [String]?
    /// Fingerprints of software keys whose word is taken.
    public var softwareKeys: Set<ContentDigest>
    /// What hardware's evidence has to say.
    public var hardware: HardwarePolicy
    /// Fingerprints of keys that may sign lists of reference values.
    public var measurementKeys: Set<ContentDigest>
    /// In seconds, from the end of the build to the time of verification.
    public var maximumAge: Int64?
    /// Packages that must be among the inputs.
    public var required: [PackageURL]
    /// Packages that must not be among the inputs, wherever they come from.
    public var denied: [PackageURL]

    /// Asks nothing.
    public init() {
        softwareKeys = []
        hardware = HardwarePolicy()
        measurementKeys = []
        required = []
        denied = []
    }
}
