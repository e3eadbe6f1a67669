package import KettleSource

/// An archive that must be refused, and the code of the refusal.
package struct HostileArchive: CustomStringConvertible, Sendable {
    package var name: String
    package var bytes: [UInt8]
    package var code: String
    package var limits: SourceLimits

    package init(_ name: String, _ code: String, _ bytes: [UInt8], within limits: SourceLimits = .standard) {
        self.name = name
        self.bytes = bytes
        self.code = code
        self.limits = limits
    }

    package init(_ name: String, _ code: String, zip entries: PackedZIP.Entry..., limits: SourceLimits = .standard) {
        self.init(name, code, PackedZIP(entries).bytes, within: limits)
    }

    package init(_ name: String, _ code: String, tar entries: PackedTar.Entry..., limits: SourceLimits = .standard) {
        self.init(name, code, PackedTar(entries).bytes, within: limits)
    }

    package var description: String { name }

    package static let all = HostileNames.all + HostileZIPs.all + HostileTars.all
}
