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

        fileprivate var place: Int {
            switch self {
            case .fmc: 0
            case .bootloader: 1
            case .tee: 2
            case .snp: 3
            case .microcode: 4
            }
        }

        public static func < (left: Part, right: Part) -> Bool { left.rawValue < right.rawValue }
    }

    /// In the order of ``Part/allCases``; nil for those that the product lacks.
    private var ordered: [UInt8?] = Array(repeating: nil, count: 5)

    /// By part; those that the product has.
    public var versions: [Part: UInt8] {
        var versions: [Part: UInt8] = [:]
        for part in Part.allCases { versions[part] = self[part] }
        return versions
    }

    /// Nil for a part that the product lacks.
    public internal(set) subscript(part: Part) -> UInt8? {
        get { ordered[part.place] }
        set { ordered[part.place] = newValue }
    }

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
        for (part, offset) in Self.places(product) where offset < bytes.count { self[part] = bytes[offset] }
    }

    package init(versions: [Part: UInt8] = [:]) {
        for (part, version) in versions { self[part] = version }
    }

    var json: JSONValue {
        var json: [String: JSONValue] = [:]
        for part in Part.allCases { json[part.rawValue] = self[part].map { .integer(Int64($0)) } }
        return .object(json)
    }

    /// For a person: `bootloader 4, microcode 219, snp 24, tee 0`.
    package var text: String {
        let parts = Part.allCases.sorted().compactMap { part in self[part].map { "\(part.rawValue) \($0)" } }
        return parts.joined(separator: ", ")
    }

    /// The parts that are older than `floor` wants, each with how far; empty when none is.
    ///
    /// - Parameter floor: The lowest versions, by part. A part that the product lacks is not met.
    public func shortfall(below floor: [Part: UInt8]) -> [Part: Int] {
        var behind: [Part: Int] = [:]
        for (part, wanted) in floor {
            let has = self[part].map(Int.init) ?? -1
            if has < Int(wanted) { behind[part] = Int(wanted) - has }
        }
        return behind
    }
}
