import Foundation
import KettleDevices
import KettleTesting
import SystemPackage
import Testing

@Suite(.needsConfigfsDouble, .timeLimit(.minutes(15)))
struct ConfigfsTSMTests {
    private let template = Vectors.path("snp/genoa-v3-configfs-tsm/report.bin")
    private let table = Vectors.path("snp/genoa-v3-configfs-tsm/auxblob.bin").string

    private func withDouble(
        _ options: [String] = [], _ body: (ConfigfsTSM, ConfigfsDouble) throws -> Void
    ) async throws {
        try await ConfigfsDouble.run(template: template, options) { double in
            try body(ConfigfsTSM(root: double.root), double)
            #expect(try FileManager.default.contentsOfDirectory(atPath: double.root.string).isEmpty)
            #expect(!double.calls.contains("unlink"))
        }
    }

    @Test func `a report carries the 64 bytes that were written in one call`() async throws {
        try await withDouble(["--auxblob", table]) { tsm, double in
            let report = try tsm.report(of: .sevGuest, over: sixtyFourBytes)
            var expected = try Vectors.bytes("snp/genoa-v3-configfs-tsm/report.bin")
            expected.replaceSubrange(0x50..<0x90, with: sixtyFourBytes)
            #expect(report.outblob == expected)
            #expect(report.auxblob == (try Vectors.bytes("snp/genoa-v3-configfs-tsm/auxblob.bin")))
            let hex = sixtyFourBytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            #expect(double.calls == ["mkdir", "write inblob 64 \(hex)", "rmdir"])
        }
    }

    @Test(arguments: ["absent", "empty"])
    func `a host need not have a certificate table`(auxblob: String) async throws {
        try await withDouble(["--auxblob", auxblob]) { tsm, _ in
            let report = try tsm.report(of: .sevGuest, over: sixtyFourBytes)
            #expect(report.auxblob == [])
        }
    }

    @Test(arguments: [0, 1, 63, 65])
    func `other than 64 bytes of report data are refused before anything is asked`(count: Int) async throws {
        try await withDouble { tsm, double in
            #expect(throws: DeviceError.wrongLength("the report data", expected: 64, actual: count)) {
                try tsm.report(of: .sevGuest, over: Array(repeating: 1, count: count))
            }
            #expect(double.calls.isEmpty)
        }
    }

    // MARK: - Providers

    @Test(arguments: ["sev_guest", "tdx_guest", "arm_cca_guest"])
    func `the provider is named`(name: String) async throws {
        try await withDouble(["--provider", name]) { tsm, _ in
            let provider = try tsm.providerName()
            #expect(provider == name)
        }
    }

    @Test(arguments: [(ConfigfsTSM.Provider.sevGuest, "tdx_guest"), (.tdxGuest, "sev_guest"), (.tdxGuest, "other")])
    func `a report of another provider is not taken`(wanted: ConfigfsTSM.Provider, name: String) async throws {
        try await withDouble(["--provider", name]) { tsm, double in
            #expect(throws: DeviceError.foreignProvider(name, expected: wanted.rawValue)) {
                try tsm.report(of: wanted, over: sixtyFourBytes)
            }
            #expect(double.calls == ["mkdir", "rmdir"])
        }
    }

    @Test func `without a guest driver configfs-tsm is absent`() async throws {
        try await withDouble(["--provider", "none"]) { tsm, _ in
            #expect(throws: DeviceError.absent(.configfs)) { try tsm.providerName() }
        }
    }

    // MARK: - Conflicts

    @Test(arguments: ["--disturb", "--would-block", "--lose"])
    func `a disturbed request is begun anew`(how: String) async throws {
        try await withDouble([how, "4"]) { tsm, double in
            _ = try tsm.report(of: .sevGuest, over: sixtyFourBytes)
            #expect(double.calls.filter { $0 == "mkdir" }.count == 5)
            #expect(double.calls.filter { $0 == "rmdir" }.count == 5)
        }
    }

    @Test(arguments: ["--disturb", "--would-block", "--lose"])
    func `a request that is always disturbed is given up`(how: String) async throws {
        try await withDouble([how, "5"]) { tsm, double in
            #expect(throws: DeviceError.busy(attempts: 5)) { try tsm.report(of: .sevGuest, over: sixtyFourBytes) }
            #expect(double.calls.filter { $0 == "rmdir" }.count == 5)
        }
    }

    // MARK: - Failures

    @Test(arguments: [("EIO", Int32(5)), ("EINVAL", 22), ("ENOTTY", 25)])
    func `a failure of the hardware is told, and the request is gone`(name: String, errno: Int32) async throws {
        try await withDouble(["--fail", name]) { tsm, double in
            #expect(throws: DeviceError.failed(.configfs, step: "read outblob", errno: errno)) {
                try tsm.report(of: .sevGuest, over: sixtyFourBytes)
            }
            #expect(double.calls.last == "rmdir")
        }
    }

    @Test func `an answer of 128 KiB is read`() async throws {
        try await withDouble(["--size", "131072"]) { tsm, _ in
            let report = try tsm.report(of: .sevGuest, over: sixtyFourBytes)
            #expect(report.outblob.count == 131_072)
        }
    }

    @Test func `a longer answer is refused`() async throws {
        try await withDouble(["--size", "131073"]) { tsm, _ in
            #expect(throws: DeviceError.tooLarge("outblob", limitInBytes: 131_072)) {
                try tsm.report(of: .sevGuest, over: sixtyFourBytes)
            }
        }
    }

    // MARK: - Privilege levels

    @Test(arguments: [2, 3])
    func `a level from the lowest up is written`(level: Int) async throws {
        try await withDouble(["--floor", "2"]) { tsm, double in
            _ = try tsm.report(of: .sevGuest, over: sixtyFourBytes, privilegeLevel: level)
            #expect(double.calls.contains("write privlevel 1 3\(level)"))
        }
    }

    @Test(arguments: [-1, 0, 1])
    func `a level below the lowest is refused`(level: Int) async throws {
        try await withDouble(["--floor", "2"]) { tsm, double in
            #expect(throws: DeviceError.privilegeLevel(level, lowest: 2)) {
                try tsm.report(of: .sevGuest, over: sixtyFourBytes, privilegeLevel: level)
            }
            #expect(double.calls == ["mkdir", "rmdir"])
        }
    }
}

@Suite struct MissingConfigfsTests {
    @Test func `a folder that is not there is named as an absent device`() throws {
        let scratch = try ScratchFolder()
        #expect(throws: DeviceError.absent(.configfs)) {
            try ConfigfsTSM(root: scratch.path.appending("missing")).providerName()
        }
    }
}
