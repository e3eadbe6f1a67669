package import KettleProvenance

/// Which versions of a platform family's firmware have which status (Intel PCS API v4, "TDX TCB Info", version 3).
package struct TCBInfo {
    private struct Module {
        let name: String?
        let mrSigner: [UInt8]
        let attributes: [UInt8]
        let attributesMask: [UInt8]
        let levels: [(securityVersion: Int, level: TCBLevel)]
    }

    private struct PlatformLevel {
        let sgx: [Int]
        let tdx: [Int]
        let pceSVN: Int
        let level: TCBLevel
    }

    let fmspc: [UInt8]
    let pceID: [UInt8]
    private let module: Module
    private let modules: [Module]
    private let levels: [PlatformLevel]

    package init(_ content: [String: JSONValue]) throws {
        guard try SignedCollateral.text(content, "id") == "TDX", try SignedCollateral.number(content, "version") == 3
        else { throw CollateralFault("id") }
        fmspc = try SignedCollateral.bytes(content, "fmspc", 6)
        pceID = try SignedCollateral.bytes(content, "pceId", 2)
        guard let module = content["tdxModule"]?.objectValue else { throw CollateralFault("tdxModule") }
        self.module = try Self.module(module, isNamed: false)
        modules =
            content["tdxModuleIdentities"] == nil
            ? []
            : try SignedCollateral.objects(content, "tdxModuleIdentities").map { try Self.module($0, isNamed: true) }
        levels = try SignedCollateral.objects(content, "tcbLevels").map { object in
            guard let tcb = object["tcb"]?.objectValue else { throw CollateralFault("tcb") }
            return PlatformLevel(
                sgx: try Self.components(tcb, "sgxtcbcomponents"), tdx: try Self.components(tcb, "tdxtcbcomponents"),
                pceSVN: try SignedCollateral.number(tcb, "pcesvn"), level: try TCBLevel(object))
        }
    }

    private static func module(_ object: [String: JSONValue], isNamed: Bool) throws -> Module {
        let levels = isNamed ? try SignedCollateral.objects(object, "tcbLevels") : []
        return Module(
            name: isNamed ? try SignedCollateral.text(object, "id") : nil,
            mrSigner: try SignedCollateral.bytes(object, "mrsigner", 48),
            attributes: try SignedCollateral.bytes(object, "attributes", 8),
            attributesMask: try SignedCollateral.bytes(object, "attributesMask", 8),
            levels: try levels.map { level in
                guard let tcb = level["tcb"]?.objectValue else { throw CollateralFault("tcb") }
                return (try SignedCollateral.number(tcb, "isvsvn"), try TCBLevel(level))
            })
    }

    /// Exactly 16: a shorter list would leave components uncompared.
    private static func components(_ object: [String: JSONValue], _ name: String) throws -> [Int] {
        let components = try SignedCollateral.objects(object, name).map { try SignedCollateral.number($0, "svn") }
        guard components.count == 16 else { throw CollateralFault(name) }
        return components
    }

    /// The level of the TDX module, which has to be the one that Intel describes; nil for modules of major version 0, which
    /// have no levels of their own.
    package func moduleLevel(of body: TDXReportBody) throws(EvidenceError) -> TCBLevel? {
        let (minor, major) = (Int(body.teeTCBSVN[0]), body.teeTCBSVN[1])
        let module: Module
        if major == 0 {
            module = self.module
        } else {
            let digits = String(major, radix: 16, uppercase: true)
            let name = "TDX_" + (digits.count < 2 ? "0" : "") + digits
            let named = modules.filter { $0.name == name }
            guard let one = named.first, named.count == 1 else {
                throw EvidenceError(.module, "Intel's TCB info does not know the TDX module \(name)")
            }
            module = one
        }
        guard body.mrSignerSEAM == module.mrSigner,
            body.seamAttributes.masked(by: module.attributesMask) == module.attributes.masked(by: module.attributesMask)
        else { throw EvidenceError(.module, "the TDX module is not the one that Intel's TCB info describes") }
        guard major > 0 else { return nil }
        guard let level = module.levels.first(where: { minor >= $0.securityVersion })?.level else {
            throw EvidenceError(
                .tcbUnsupported, "the TDX module's version is below every level", actual: "\(major).\(minor)")
        }
        return level
    }

    /// The level of the platform: the first whose versions are all reached.
    package func platformLevel(of platform: PCKExtension, _ body: TDXReportBody) throws(EvidenceError) -> TCBLevel {
        // A module with levels of its own is not compared here again.
        let first = body.teeTCBSVN[1] > 0 ? 2 : 0
        let reached = levels.first { level in
            zip(platform.components, level.sgx).allSatisfy { $0 >= $1 } && platform.pceSVN >= level.pceSVN
                && (first..<16).allSatisfy { Int(body.teeTCBSVN[$0]) >= level.tdx[$0] }
        }
        guard let reached else {
            throw EvidenceError(
                .tcbUnsupported, "the platform's versions are below every level of Intel's TCB info",
                actual: shortfall(platform, body))
        }
        return reached.level
    }

    /// Which parts lie how far behind the newest level, for a person; empty where none does.
    package func shortfall(_ platform: PCKExtension, _ body: TDXReportBody) -> String {
        guard let newest = levels.first else { return "" }
        var parts: [String] = []
        func compare(_ name: String, _ actual: Int, _ wanted: Int) {
            if actual < wanted { parts.append("\(name) \(actual), newest \(wanted)") }
        }
        for index in 0..<16 { compare("SGX component \(index + 1)", platform.components[index], newest.sgx[index]) }
        compare("PCESVN", platform.pceSVN, newest.pceSVN)
        for index in (body.teeTCBSVN[1] > 0 ? 2 : 0)..<16 {
            compare("TDX component \(index + 1)", Int(body.teeTCBSVN[index]), newest.tdx[index])
        }
        return parts.joined(separator: "; ")
    }
}
