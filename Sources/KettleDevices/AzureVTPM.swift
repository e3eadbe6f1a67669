import KettleAttestation
import KettleProvenance

/// The virtual TPM that Azure's paravisor gives a confidential VM.
///
/// Its functions block: call them on a thread that may wait. Each opens the TPM for itself, so that others can use it
/// between them.
package struct AzureVTPM: Sendable {
    /// The kernel's TPM with its resource manager.
    package static let standardConfiguration = "device:/dev/tpmrm0"

    /// A TPM's signature over report data, and the registers that it covers.
    package struct Quote: Hashable, Sendable {
        /// TPMS_ATTEST as it was signed.
        package var message: [UInt8]
        /// RSASSA with SHA-256.
        package var signature: [UInt8]
        /// PCRs 0 to 23 of the SHA-256 bank, 32 bytes each, whose digest is in the message.
        package var registers: [[UInt8]]
    }

    /// Where the paravisor puts its report, where it takes the guest's data from, and its attestation key.
    static let reportIndex: UInt32 = 0x0140_0001
    static let userDataIndex: UInt32 = 0x0140_0002
    static let attestationKey: UInt32 = 0x8100_0003
    static let userDataByteCount = 64
    /// The longest report that is read; Azure's have 2,600 bytes.
    private static let reportLimitInBytes = 16 * 1024
    private static let chunkByteCount = 1024

    private let configuration: String
    private let attempts: Int

    /// - Parameters:
    ///   - configuration: How the TPM is reached: a TCTI's name and, after a colon, its settings.
    ///   - attempts: How often a quote is made anew when the registers changed before they were read.
    package init(configuration: String = standardConfiguration, attempts: Int = 5) {
        self.configuration = configuration
        self.attempts = attempts
    }

    /// The paravisor's report.
    ///
    /// - Throws: ``DeviceError/malformed(_:reason:)`` when there is none, or what is there is none.
    func report() throws(DeviceError) -> HCLReport {
        let tpm = try TPM(configuration: configuration)
        guard let size = try tpm.storageSize(at: Self.reportIndex) else {
            throw .malformed("the TPM", reason: "it holds no report of Azure's paravisor")
        }
        guard size <= Self.reportLimitInBytes else {
            throw .tooLarge("the paravisor's report", limitInBytes: Self.reportLimitInBytes)
        }
        var bytes: [UInt8] = []
        while bytes.count < size {
            bytes += try tpm.readStorage(
                at: Self.reportIndex, offset: bytes.count, count: min(Self.chunkByteCount, size - bytes.count))
        }
        do {
            return try HCLReport(parsing: bytes)
        } catch {
            throw .malformed("the paravisor's report", reason: error.message)
        }
    }

    /// Hands data to the paravisor, which then makes a new report with them.
    ///
    /// - Parameter data: At most 64 bytes; zeros follow.
    func writeUserData(_ data: [UInt8]) throws(DeviceError) {
        guard data.count <= Self.userDataByteCount else {
            throw .tooLarge("the report data", limitInBytes: Self.userDataByteCount)
        }
        let tpm = try TPM(configuration: configuration)
        if try tpm.storageSize(at: Self.userDataIndex) == nil {
            try tpm.defineStorage(at: Self.userDataIndex, byteCount: Self.userDataByteCount)
        }
        try tpm.writeStorage(at: Self.userDataIndex, Self.padded(data))
    }

    /// Has the attestation key sign data and all registers, and reads the registers that it signed.
    ///
    /// - Parameter data: At most 50 bytes, which is all that Azure's TPM takes.
    package func quote(over data: [UInt8]) throws(DeviceError) -> Quote {
        let tpm = try TPM(configuration: configuration)
        for _ in 0..<attempts {
            let quote = try tpm.quote(by: Self.attestationKey, over: data)
            guard quote.extraData == data else { throw .notOurReportData("the TPM's quote") }
            let registers = try tpm.registers()
            // The machine goes on measuring: what was read may be newer than what was signed.
            guard ContentDigest(of: registers.joined()).bytes == quote.registerDigest else { continue }
            return Quote(message: quote.message, signature: quote.signature, registers: registers)
        }
        throw .registersMoved(attempts: attempts)
    }

    static func padded(_ data: [UInt8]) -> [UInt8] {
        data + [UInt8](repeating: 0, count: userDataByteCount - data.count)
    }
}
