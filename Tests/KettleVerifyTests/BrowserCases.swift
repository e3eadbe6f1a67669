import Foundation
import KettleAttestation
import KettleProvenance
import KettleTesting
import KettleVerify
import SystemPackage

/// What the browser's verdicts are compared on: genuine and forged bundles of every platform, and archives that are none.
enum BrowserCases {
    static func all() async throws -> [BrowserCase] {
        try await forgeries() + vectors() + bundlesOfHardware() + archives()
    }

    /// Bundles of a software key with one lie each, those of `SystematicForgeryTests` among them.
    static func forgeries() async throws -> [BrowserCase] {
        var cases: [BrowserCase] = []
        for (index, forgery) in ForgeryTests.all.enumerated() {
            let (contents, verifier) = try await forgery.made()
            guard BrowserCase.isAskable(verifier) else { continue }
            cases.append(
                try BrowserCase(
                    forgery.name, contents, as: index.isMultiple(of: 4) ? .tarGzip : .zip, verifier))
        }
        for path in SampleBundle.statement.json.paths() {
            let others: [JSONValue] = [nil, "x", "e\u{301}", ["__proto__": ["x": 1.50]]]
            let other = others[cases.count % others.count]
            var sample = SampleBundle()
            sample.statementBytes = SampleBundle.statement.json.changing(path[...]) { _ in [other] }.canonicalBytes()
            var verifier = sample.verifier
            verifier.time = Statement.Timestamp(secondsSince1970: 1_795_000_100)
            cases.append(try BrowserCase("\(path) is \(other)", try await sample.contents(), verifier))
        }
        for kind in PackedEntry.Kind.allCases {
            let nonce = BuildNonce(text: "00112233445566778899aabbccddeeff")
            var sample = SampleBundle.with { $0.externalParameters["nonce"] = nonce?.hex }
            sample.nonce = nonce ?? .zero
            var verifier = sample.verifier
            verifier.time = Statement.Timestamp(secondsSince1970: 1_795_000_100)
            verifier.nonce = nonce
            cases.append(try BrowserCase("genuine", try await sample.contents(), as: kind, verifier))
            verifier.acceptsAnyMeasurement = true
            cases.append(try BrowserCase("genuine, any", try await sample.contents(), as: kind, verifier))
        }
        return try await cases + questions()
    }

    /// One bundle, asked for its source, commit and builder.
    private static func questions() async throws -> [BrowserCase] {
        let source = "git+https://forge.example/acme/tally"
        var sample = SampleBundle.withInputs { $0[0].uri = "\(source)@main" }
        sample.statement.externalParameters["source"] = "\(source)@main"
        sample.statement.externalParameters["ref"] = "main"
        let contents = try await sample.contents()
        var verifier = sample.verifier
        verifier.time = Statement.Timestamp(secondsSince1970: 1_795_000_100)
        let patterns = [
            "https://forge.example/acme/tally", "\(source)@main", "\(source)@other", "git+https://forge.example/*",
            "git+https://forge.example/acme/*", "git+https://forge.example/acme/tal", "archive:*", "archive:tally.zip",
        ]
        var cases: [BrowserCase] = []
        for pattern in patterns {
            verifier.expected.sources = SourcePattern(text: pattern).map { [$0] }
            cases.append(try BrowserCase("from \(pattern)", contents, verifier))
        }
        verifier.expected.commits = [SampleBundle.commit]
        verifier.expected.builders = [Statement.builderID(platform: "software")]
        cases.append(try BrowserCase("of its commit", contents, verifier))
        verifier.expected.commits = [String(repeating: "0", count: 40)]
        cases.append(try BrowserCase("of another commit", contents, verifier))
        return cases
    }

    /// `Tests/Vectors/evidence`: the bundles of the original Kettle, and all evidence, in a bundle beside a statement of ours.
    static func vectors() throws -> [BrowserCase] {
        try (EvidenceVector.evidence + EvidenceVector.bundles).flatMap { vector in
            let parameters = vector.parameters
            let isBundle = parameters["kind"] == "bundle"
            var contents: [String: [UInt8]] = ["provenance.json": SampleBundle.statement.encoded()]
            let names = FileManager.default.enumerator(atPath: vector.path)?.compactMap { $0 as? String } ?? []
            for name in names where isBundle || name == "evidence.json" {
                guard !["SOURCE", "params.json", "expected.json"].contains(name),
                    FileManager.default.contents(atPath: "\(vector.path)/\(name)") != nil
                else { continue }
                contents[name] = try? vector.file(name)
            }
            if isBundle, !names.contains("provenance.json") { contents["provenance.json"] = nil }
            let roots =
                parameters["roots"] == "vendor" ? nil : EvidenceVector.root.appending(path: "roots/synthetic").path
            var verifier = BundleVerifier()
            if let roots { verifier.roots = try TrustRoots(folder: roots) }
            verifier.time = parameters["verify_at"]?.stringValue.flatMap(Statement.Timestamp.init(text:))
            verifier.leavesArtifactsOut = parameters["artifacts"] == "absent"
            var files: [String: [UInt8]] = [:]
            if let folder = parameters["collateral"]?.stringValue {
                let path = EvidenceVector.root.appending(path: folder).path
                verifier.collateral = try Collateral(folder: path)
                for name in Collateral.fileNames {
                    files[name] = FileManager.default.contents(atPath: "\(path)/\(name)").map { Array($0) }
                }
            }
            var cases = [try BrowserCase(vector.name, contents, verifier, roots: roots, collateral: files)]
            if vector.isValid {
                verifier.acceptsAnyMeasurement = true
                cases.append(
                    try BrowserCase("\(vector.name), any", contents, verifier, roots: roots, collateral: files))
            }
            return cases
        }
    }

    /// Bundles of ours by every kind of hardware, whose makers the tests play.
    static func bundlesOfHardware() throws -> [BrowserCase] {
        let scratch = try ScratchFolder()
        let roots = scratch.path.appending("roots").string
        try ChipVendor.shared.writeRoots(to: roots)
        let month = ("2026-05-15T00:00:00Z", "2026-06-14T00:00:00Z")
        let fresh = try ChipVendor.shared.collateral(month)
        let old = try ChipVendor.shared.collateral(month, status: "OutOfDate")
        var part = fresh
        part["pck_crl.der"] = nil
        var bundles: [(String, HardwareBundle)] = HardwareBundle.Kind.allCases.flatMap { kind in
            [
                (kind.rawValue, HardwareBundle(kind: kind)),
                ("\(kind) of other data", HardwareBundle(kind: kind, reportData: [UInt8](repeating: 7, count: 48))),
            ]
        }
        bundles += [
            ("debug", HardwareBundle(kind: .snp, change: { $0[0x00A] |= 0x08 })),
            ("migratable", HardwareBundle(kind: .tdx, change: { $0[123] |= 0x20 })),
            ("collateral", HardwareBundle(kind: .tdx, collateral: fresh)),
            ("old firmware", HardwareBundle(kind: .tdx, collateral: old)),
            ("a part of the collateral", HardwareBundle(kind: .tdx, collateral: part)),
            (
                "revoked",
                HardwareBundle(
                    kind: .snp,
                    collateral: ["amd_crl.der": ChipVendor.shared.amdRevocations(month, revoked: true)])
            ),
        ]
        let asks: [(String, (inout BundleVerifier) -> Void)] = [
            ("as it is", { _ in }),
            ("any", { ($0.hardware.launchDigests, $0.acceptsAnyMeasurement) = (nil, true) }),
            ("unvouched", { $0.hardware.launchDigests = nil }),
            ("another measurement", { $0.hardware.launchDigests = [[UInt8](repeating: 1, count: 48)] }),
            ("later", { $0.time = HardwareBundle.time("2027-01-01T00:00:00Z") }),
            ("much later", { $0.time = HardwareBundle.time("2050-01-01T00:00:00Z") }),
            (
                "at the build's time",
                { ($0.time, $0.judgesAtBuildTime) = (HardwareBundle.time("2050-01-01T00:00:00Z"), true) }
            ),
            (
                "strict",
                {
                    $0.hardware.tcbStatuses = [.upToDate]
                    $0.hardware.minimumTCB = [.snp: 255, .tee: 1]
                    $0.hardware.allowsMultithreading = false
                    $0.hardware.vmpls = [1, 2]
                    $0.hardware.pcrs = [11: [[UInt8](repeating: 1, count: 32)]]
                    $0.hardware.rtmrs = [1: [[UInt8](repeating: 1, count: 48)]]
                    $0.hardware.hostData = [[UInt8](repeating: 1, count: 32)]
                }
            ),
        ]
        return try bundles.flatMap { name, bundle in
            let contents = try bundle.contents()
            return try asks.map { question, ask in
                var verifier = try HardwareBundle.verifier()
                ask(&verifier)
                return try BrowserCase("\(name), \(question)", contents, verifier, roots: roots)
            }
        }
    }

    /// What is no archive, or one that could be read in two ways.
    static func archives() async throws -> [BrowserCase] {
        let sample = SampleBundle()
        var verifier = sample.verifier
        verifier.time = Statement.Timestamp(secondsSince1970: 1_795_000_100)
        let entries = try await sample.contents().sorted { $0.key < $1.key }
            .map { PackedEntry(path: $0.key, content: $0.value) }
        var cases: [BrowserCase] = []
        func add(_ name: String, _ bytes: [UInt8]) throws { cases.append(try BrowserCase(name, bytes, verifier)) }
        for text in ["", "P", "PK", "not an archive", "\u{1F}"] { try add("the text \(text)", Array(text.utf8)) }
        for kind in PackedEntry.Kind.allCases {
            let whole = try BrowserCase.packed(entries, as: kind)
            try add("\(kind) with a byte behind", whole + [0])
            try add("\(kind) twice", whole + whole)
            try add("\(kind) with something before", Array("PK\u{3}\u{4}".utf8) + whole)
            for step in stride(from: 1, to: 40, by: 3) {
                try add("\(kind) cut at \(step)", Array(whole.prefix(whole.count * step / 40)))
                var flipped = whole
                flipped[whole.count * step / 40] ^= 0x10
                try add("\(kind) flipped at \(step)", flipped)
            }
            let odd: [PackedEntry] = [
                PackedEntry(path: "artifacts/link", type: 0o120000, target: "tally"),
                PackedEntry(path: "empty", type: 0o040000), PackedEntry(path: "../evil", content: [1]),
                PackedEntry(path: "artifacts//x", content: [1]), PackedEntry(path: "artifacts/tally", content: [1]),
                PackedEntry(path: "artifacts/\(String(repeating: "n", count: 1100))", content: [1]),
                PackedEntry(path: "artifacts/caf\u{E9}", content: [1]),
                PackedEntry(path: "artifacts/sub/tally", content: [1]),
                PackedEntry(path: "collateral/vek.der", content: [1]),
            ]
            for entry in odd {
                try add("\(kind) with \(entry.path.prefix(40))", BrowserCase.packed(entries + [entry], as: kind))
            }
            let outer = entries.map { PackedEntry(path: "outer/\($0.path)", content: $0.content) }
            try add("\(kind) in a folder", BrowserCase.packed(outer, as: kind))

            // The composed form of U+0958 is longer than itself: cut by its length, the second file would stand in for the first.
            let spelt = entries.map { entry in
                let isArtifact = entry.path == "artifacts/tally"
                return PackedEntry(path: "\u{915}\u{93C}/\(entry.path)", content: isArtifact ? [1] : entry.content)
            }
            let genuine = entries.filter { $0.path == "artifacts/tally" }
                .map { PackedEntry(path: "\u{958}/X\($0.path)", content: $0.content) }
            try add("\(kind) in a folder spelt in two ways", BrowserCase.packed(spelt + genuine, as: kind))
            let accented = entries.map { PackedEntry(path: "cafe\u{301}/\($0.path)", content: $0.content) }
            let both = accented + genuine.map { PackedEntry(path: "caf\u{E9}/y", content: $0.content) }
            try add("\(kind) in a folder with two accents", BrowserCase.packed(both, as: kind))
        }
        return cases
    }

    /// Archives that no honest program makes, and a few that old programs do. Of those the words of libarchive are not compared.
    static func oddArchives() throws -> [BrowserCase] {
        let forms: [(String, PackedTar)] = [
            ("tar without magic", PackedTar(plain.with { $0.fields[257] = [UInt8](repeating: 0, count: 8) })),
            ("GNU tar", PackedTar(gnu)),
            ("GNU tar with a long name", PackedTar(.long("long", type: "L"), gnu)),
            ("time before 1970", PackedTar(plain.with { $0.fields[136] = [UInt8](repeating: 0xFF, count: 12) })),
            ("global header", PackedTar(.pax(("path", "b"), type: "g"), plain)),
            ("a real size", PackedTar(.pax(("SCHILY.realsize", "1")), plain)),
            ("a size elsewhere", PackedTar(.pax(("GNU.sparse.realsize", "1")), plain)),
            ("a link's path", PackedTar(.pax(("linkpath", "b")), plain)),
            ("a key that nobody knows", PackedTar(.pax(("KETTLE.key", "b")), plain)),
            ("NUL in a pax path", PackedTar(.pax(("path", "b\0c")), plain)),
            ("owner that is no number", PackedTar(plain.with { $0.fields[108] = Array("nobody".utf8) })),
            ("time in base 256", PackedTar(plain.with { $0.fields[136] = [0x80] })),
            ("a type that nobody knows", PackedTar(PackedTar.Entry("a", "x", type: "Z"))),
        ]
        let extras: [(String, [UInt8])] = [
            ("an empty time", [0x55, 0x54, 0, 0]), ("half a field", [0x55, 0x54, 9, 0, 3]),
            ("another name", [0x75, 0x70, 6, 0, 1, 0, 0, 0, 0, 0x62]),
            ("its own name", [0x75, 0x70, 6, 0, 1, 0, 0, 0, 0, 0x61]),
            ("padding", [0, 0, 0]), ("odd padding", [0, 7]), ("a time", [0x55, 0x54, 5, 0, 1, 0, 0, 0, 0]),
        ]
        return try (HostileArchive.all + HostileTars.ambiguousNames).map {
            try BrowserCase($0.name, $0.bytes, BundleVerifier())
        }
            + forms.map { try BrowserCase($0, $1.bytes, BundleVerifier()) }
            + extras.map { name, extra in
                let entry = PackedZIP.Entry("a").with { $0.extra = extra }
                return try BrowserCase("ZIP with \(name)", PackedZIP(entry).bytes, BundleVerifier())
            }
    }

    private static let plain = PackedTar.Entry("a", "boo\n")
    private static let gnu = plain.with { $0.fields[257] = Array("ustar  \0".utf8) }
}
