import KettleProvenance

/// The security versions of the firmware below a guest (AMD 56860, section 2.2, TCB_VERSION).
public struct SNPTCB: Hashable, Sendable {
    /// A part of it.
    public enum Part: String, Hashable, Sendable, CaseIterable, Comparable {
        /// Turin only.
        case fmc
        case bootloader
        case tee
        case snp
        case microcode

        public static func < (left: Part, right: Part) -> Bool { left.rawValue < right.rawValue }
    }

    /// By part; those that the product has.
    public let versions: [Part: UInt8]

    /// The parts of a product, in the order in which they are told, and where each lies in the eight bytes.
    private static func places(_ product: SNPProduct) -> [(part: Part, offset: Int)] {
        product == .turin
            ? [(.fmc, 0), (.bootloader, 1), (.tee, 2), (.snp, 3), (.microcode, 7)]
            : [(.bootloader, 0), (.tee, 1), (.snp, 6), (.microcode, 7)]
    }

    /// The parts that a product has.
    static func parts(of product: SNPProduct) -> [Part] { places(product).map(\.part) }

    /// Reads eight bytes of a report.
    init(_ bytes: [UInt8], product: SNPProduct) {
        var versions: [Part: UInt8] = [:]
        for (part, offset) in Self.places(product) where offset < bytes.count { versions[part] = bytes[offset] }
        self.versions = versions
    }

    package init(versions: [Part: UInt8]) {
        self.versions = versions
    }

    var json: JSONValue {
        .object(Dictionary(uniqueKeysWithValues: versions.map { ($0.key.rawValue, .integer(Int64($0.value))) }))
    }

    /// For a person: `bootloader 4, microcode 219, snp 24, tee 0`.
    var text: String {
        versions.sorted { $0.key < $1.key }.map { "\($0.key.rawValue) \($0.value)" }.joined(separator: ", ")
    }

    /// The parts that are older than `floor` wants, each with how far; empty when none is.
    ///
    /// - Parameter floor: The lowest versions, by part. A part that the product lacks is not met.
    public func shortfall(below floor: [Part: UInt8]) -> [Part: Int] {
        var behind: [Part: Int] = [:]
        for (part, wanted) in floor {
            let has = versions[part].map(Int.init) ?? -1
            if has < Int(wanted) { behind[part] = Int(wanted) - has }
        }
        return behind
    }
}
