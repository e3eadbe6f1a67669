import Foundation
import Glibc
package import SystemPackage

/// Linux's configfs-tsm (Linux 6.7 and later, Documentation/ABI/testing/configfs-tsm): a folder in which making a subfolder
/// opens a request, whose files take the report data and give the report.
///
/// All functions block, a TDX quote for a second or more: call them on a thread that may wait.
package struct ConfigfsTSM: Sendable {
    /// Where Linux has it.
    package static let standardRoot: FilePath = "/sys/kernel/config/tsm/report"

    /// The guest driver behind the folder.
    package enum Provider: String, Sendable {
        case sevGuest = "sev_guest"
        case tdxGuest = "tdx_guest"
    }

    /// What the hardware answered.
    package struct Report: Hashable, Sendable {
        /// An SNP report or a TDX quote.
        package var outblob: [UInt8]
        /// The host's certificate table (SNP); empty when the host has none.
        package var auxblob: [UInt8]
    }

    /// The length of report data: 64 bytes.
    package static let reportDataByteCount = 64
    /// The longest answer that is read, many times the size of a report, a quote or a table.
    static let limitInBytes = 128 * 1024

    private let root: FilePath
    private let attempts: Int

    /// - Parameters:
    ///   - root: The folder that holds the requests.
    ///   - attempts: How often a request that another process disturbed is begun anew.
    package init(root: FilePath = standardRoot, attempts: Int = 5) {
        self.root = root
        self.attempts = attempts
    }

    /// The guest driver behind the folder.
    ///
    /// - Returns: The driver, or its name when it is none that Kettle knows.
    package func providerName() throws(DeviceError) -> String {
        try withRequest { request throws(DeviceError) in try request.providerName() }
    }

    /// Has the hardware sign 64 bytes.
    ///
    /// - Parameters:
    ///   - provider: The hardware that must sign.
    ///   - data: 64 bytes.
    ///   - privilegeLevel: The guest's level to report for (SNP's VMPL); nil leaves the choice to the kernel.
    package func report(
        of provider: Provider, over data: [UInt8], privilegeLevel: Int? = nil
    ) throws(DeviceError) -> Report {
        guard data.count == Self.reportDataByteCount else {
            throw .wrongLength("the report data", expected: Self.reportDataByteCount, actual: data.count)
        }
        for _ in 0..<attempts {
            let report = try withRequest { request throws(DeviceError) in
                try request.answer(from: provider, to: data, privilegeLevel: privilegeLevel)
            }
            if let report { return report }
        }
        throw .busy(attempts: attempts)
    }

    /// Runs `body` with a request of its own, which is gone afterwards.
    private func withRequest<Result>(
        _ body: (Request) throws(DeviceError) -> Result
    ) throws(DeviceError) -> Result {
        let folder = root.appending("kettle-\(UUID().uuidString.lowercased())")
        guard mkdir(folder.string, 0o700) == 0 else {
            switch errno {
            // Linux answers ENXIO while no guest driver has registered.
            case ENOENT, ENOTDIR, ENXIO: throw .absent(.configfs)
            case EACCES, EPERM, EROFS: throw .denied(.configfs)
            default: throw .failed(.configfs, step: "open a request", errno: errno)
            }
        }
        // Never recursively: the files inside cannot be removed and go with the folder. A request that stays behind hinders
        // nobody, as each has a name of its own.
        defer { rmdir(folder.string) }
        return try body(Request(folder: folder))
    }
}

/// One open request: a subfolder of configfs-tsm.
private struct Request {
    let folder: FilePath

    func providerName() throws(DeviceError) -> String { try text(of: "provider") }

    /// Asks, reads the answer and looks whether it answers us alone.
    ///
    /// - Returns: Nil when another process used the request meanwhile.
    func answer(
        from provider: ConfigfsTSM.Provider, to data: [UInt8], privilegeLevel: Int?
    ) throws(DeviceError) -> ConfigfsTSM.Report? {
        let name = try providerName()
        guard name == provider.rawValue else { throw .foreignProvider(name, expected: provider.rawValue) }
        do {
            // Each write of an attribute counts the generation up by one.
            var expected = try number(in: "generation")
            if let privilegeLevel {
                try choose(privilegeLevel)
                expected += 1
            }
            try write(data, to: "inblob")
            expected += 1
            let outblob = try read("outblob")
            let auxblob = try readIfThere("auxblob") ?? []
            // Also finds that our own write was lost: the kernel passes the bytes of inblob on when the file is closed, and
            // close does not tell how that went (fs/configfs/file.c, configfs_release_bin_file).
            guard try number(in: "generation") == expected else { return nil }
            return ConfigfsTSM.Report(outblob: outblob, auxblob: auxblob)
        } catch .failed(_, _, errno: EWOULDBLOCK) {
            return nil
        }
    }

    private func choose(_ privilegeLevel: Int) throws(DeviceError) {
        let lowest = try number(in: "privlevel_floor")
        guard privilegeLevel >= lowest else { throw .privilegeLevel(privilegeLevel, lowest: lowest) }
        try write(Array("\(privilegeLevel)".utf8), to: "privlevel")
    }

    /// Writes an attribute in one call, as the kernel wants it.
    private func write(_ bytes: [UInt8], to attribute: String) throws(DeviceError) {
        let failure = { (errno: Int32) in DeviceError.failed(.configfs, step: "write \(attribute)", errno: errno) }
        try SystemCall.withFile(folder.appending(attribute), O_WRONLY, failure: failure) { file throws(DeviceError) in
            let count = SystemCall.retrying { bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) } }
            guard count >= 0 else { throw failure(errno) }
            guard count == bytes.count else {
                throw .wrongLength("what \(attribute) took", expected: bytes.count, actual: count)
            }
        }
    }

    private func readIfThere(_ attribute: String) throws(DeviceError) -> [UInt8]? {
        do {
            return try read(attribute)
        } catch .failed(_, _, errno: ENOENT) {
            return nil
        }
    }

    private func read(_ attribute: String) throws(DeviceError) -> [UInt8] {
        let failure = { (errno: Int32) in DeviceError.failed(.configfs, step: "read \(attribute)", errno: errno) }
        let limit = ConfigfsTSM.limitInBytes
        return try SystemCall.withFile(folder.appending(attribute), O_RDONLY, failure: failure) {
            file throws(DeviceError) in
            guard let bytes = try SystemCall.readToEnd(of: file, limitInBytes: limit, failure: failure) else {
                throw .tooLarge(attribute, limitInBytes: limit)
            }
            return bytes
        }
    }

    /// An attribute of one line, without its line end.
    private func text(of attribute: String) throws(DeviceError) -> String {
        var bytes = try read(attribute)
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func number(in attribute: String) throws(DeviceError) -> Int {
        let text = try text(of: attribute)
        guard let number = Int(text), number >= 0 else { throw .malformed(attribute, reason: "it is not a number") }
        return number
    }
}
