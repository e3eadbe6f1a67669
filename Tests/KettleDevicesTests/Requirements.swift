import KettleTesting
import Testing

extension Trait where Self == ConditionTrait {
    /// The kernel's configfs-tsm is played by a file system in user space.
    static var needsConfigfsDouble: Self {
        .enabled(
            if: ConfigfsDouble.unavailable == nil,
            "cannot play configfs-tsm here: \(ConfigfsDouble.unavailable ?? "")")
    }

    /// Azure's TPM is played by one in software.
    static var needsSoftwareTPM: Self {
        .enabled(
            if: SoftwareTPM.unavailable == nil, "cannot play Azure's TPM here: \(SoftwareTPM.unavailable ?? "")")
    }
}
