import CTSS2

/// A connection to a TPM 2.0, by way of the TCG's System API (TSS 2.0 System Level API, version 1.1; TPM 2.0 Library
/// Specification rev. 1.59). The names of its functions are those of the commands.
///
/// A connection belongs to one thread, and all functions block it. Each function is one command, asked again when the TPM
/// says that it was busy.
final class TPM {
    /// What TPM2_Quote signs, and the signature.
    struct Quote {
        /// TPMS_ATTEST as it was signed.
        var message: [UInt8]
        /// The RSASSA signature, as many bytes as the key has.
        var signature: [UInt8]
        /// What the quote says was signed along.
        var extraData: [UInt8]
        /// The digest of the registers that the quote selects.
        var registerDigest: [UInt8]
    }

    /// PCRs 0 to 23 of the SHA-256 bank.
    static let registerCount = 24

    /// TPM_RH_OWNER and TPM_RS_PW: the owner's hierarchy and a session that gives a password, here the empty one.
    private static let owner: TPM2_HANDLE = 0x4000_0001
    private static let passwordSession: TPM2_HANDLE = 0x4000_0009
    private static let sha256: UInt16 = 0x000B
    /// TPM_RC_RETRY, TPM_RC_YIELDED and TPM_RC_TESTING: ask again. swtpm answers so to the first use of a key. For a hardware
    /// TPM the kernel already asks again, with pauses (tpm_transmit), so that none are made here.
    private static let busyCodes: Set<TSS2_RC> = [0x922, 0x908, 0x90A]
    private static let attempts = 20

    private var transport: OpaquePointer?
    private let context: OpaquePointer

    /// - Parameter configuration: A TCTI's name and, after a colon, its settings: "device:/dev/tpmrm0".
    init(configuration: String) throws(DeviceError) {
        let code = Tss2_TctiLdr_Initialize(configuration, &transport)
        guard code == 0 else { throw .tpm(step: "be opened", code: code) }
        let size = Tss2_Sys_GetContextSize(0)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        context = OpaquePointer(memory)
        var version = TSS2_ABI_VERSION(tssCreator: 1, tssFamily: 2, tssLevel: 1, tssVersion: 108)
        let initialised = Tss2_Sys_Initialize(context, size, transport, &version)
        guard initialised == 0 else {
            memory.deallocate()
            Tss2_TctiLdr_Finalize(&transport)
            throw .tpm(step: "be opened", code: initialised)
        }
    }

    deinit {
        Tss2_Sys_Finalize(context)
        UnsafeMutableRawPointer(context).deallocate()
        Tss2_TctiLdr_Finalize(&transport)
    }

    // MARK: - Storage

    /// How many bytes an index of the TPM's storage holds; nil when it is not defined.
    func storageSize(at index: UInt32) throws(DeviceError) -> Int? {
        var area = TPM2B_NV_PUBLIC()
        var name = TPM2B_NAME()
        name.size = UInt16(MemoryLayout.size(ofValue: name.name))
        let code = send { Tss2_Sys_NV_ReadPublic(context, index, nil, &area, &name, nil) }
        // TPM_RC_HANDLE for the first handle.
        guard code != 0x18B else { return nil }
        guard code == 0 else { throw .tpm(step: "describe an index of its storage", code: code) }
        return Int(area.nvPublic.dataSize)
    }

    /// Reads a part of the TPM's storage as its owner.
    func readStorage(at index: UInt32, offset: Int, count: Int) throws(DeviceError) -> [UInt8] {
        var data = TPM2B_MAX_NV_BUFFER()
        data.size = UInt16(MemoryLayout.size(ofValue: data.buffer))
        var authorization = Self.emptyPassword
        var response = TSS2L_SYS_AUTH_RESPONSE()
        let code = send {
            Tss2_Sys_NV_Read(
                context, Self.owner, index, &authorization, UInt16(count), UInt16(offset), &data, &response)
        }
        guard code == 0 else { throw .tpm(step: "read its storage", code: code) }
        guard data.size == count else {
            throw .wrongLength("what the TPM read", expected: count, actual: Int(data.size))
        }
        return withUnsafeBytes(of: data.buffer) { Array($0.prefix(count)) }
    }

    /// Defines an index that its owner may read and write.
    func defineStorage(at index: UInt32, byteCount: Int) throws(DeviceError) {
        var area = TPM2B_NV_PUBLIC()
        area.nvPublic.nvIndex = index
        area.nvPublic.nameAlg = Self.sha256
        // TPMA_NV_OWNERWRITE and TPMA_NV_OWNERREAD.
        area.nvPublic.attributes = 1 << 1 | 1 << 17
        area.nvPublic.dataSize = UInt16(byteCount)
        var password = TPM2B_AUTH()
        var authorization = Self.emptyPassword
        var response = TSS2L_SYS_AUTH_RESPONSE()
        let code = send {
            Tss2_Sys_NV_DefineSpace(context, Self.owner, &authorization, &password, &area, &response)
        }
        guard code == 0 else { throw .tpm(step: "define an index of its storage", code: code) }
    }

    /// Writes the TPM's storage from an index's start.
    func writeStorage(at index: UInt32, _ bytes: [UInt8]) throws(DeviceError) {
        var data = TPM2B_MAX_NV_BUFFER()
        data.size = UInt16(bytes.count)
        withUnsafeMutableBytes(of: &data.buffer) { $0.copyBytes(from: bytes) }
        var authorization = Self.emptyPassword
        var response = TSS2L_SYS_AUTH_RESPONSE()
        let code = send {
            Tss2_Sys_NV_Write(context, Self.owner, index, &authorization, &data, 0, &response)
        }
        guard code == 0 else { throw .tpm(step: "write its storage", code: code) }
    }

    // MARK: - Registers

    /// Has a key sign the digest of all registers together with some bytes, in the scheme that the key has.
    func quote(by key: UInt32, over data: [UInt8]) throws(DeviceError) -> Quote {
        var qualifyingData = TPM2B_DATA()
        guard data.count <= MemoryLayout.size(ofValue: qualifyingData.buffer) else {
            throw .tooLarge("what the TPM is to sign", limitInBytes: MemoryLayout.size(ofValue: qualifyingData.buffer))
        }
        qualifyingData.size = UInt16(data.count)
        withUnsafeMutableBytes(of: &qualifyingData.buffer) { $0.copyBytes(from: data) }
        var scheme = TPMT_SIG_SCHEME()
        scheme.scheme = 0x0010  // TPM_ALG_NULL
        var selection = Self.selection(of: 0..<Self.registerCount)
        var attestation = TPM2B_ATTEST()
        attestation.size = UInt16(MemoryLayout.size(ofValue: attestation.attestationData))
        var signature = TPMT_SIGNATURE()
        var authorization = Self.emptyPassword
        var response = TSS2L_SYS_AUTH_RESPONSE()
        let code = send {
            Tss2_Sys_Quote(
                context, key, &authorization, &qualifyingData, &scheme, &selection, &attestation, &signature, &response)
        }
        guard code == 0 else { throw .tpm(step: "quote", code: code) }
        // TPM_ALG_RSASSA with SHA-256.
        guard signature.sigAlg == 0x0014, signature.signature.rsassa.hash == Self.sha256 else {
            throw .malformed("the TPM's quote", reason: "its key does not sign with RSASSA and SHA-256")
        }
        let message = withUnsafeBytes(of: attestation.attestationData) { Array($0.prefix(Int(attestation.size))) }
        var content = TPMS_ATTEST()
        var offset = 0
        guard Tss2_MU_TPMS_ATTEST_Unmarshal(message, message.count, &offset, &content) == 0, offset == message.count,
            content.magic == 0xFF54_4347, content.type == 0x8018
        else { throw .malformed("the TPM's quote", reason: "it is not a TPMS_ATTEST of a quote") }
        return Quote(
            message: message,
            signature: withUnsafeBytes(of: signature.signature.rsassa.sig.buffer) {
                Array($0.prefix(Int(signature.signature.rsassa.sig.size)))
            },
            extraData: withUnsafeBytes(of: content.extraData.buffer) { Array($0.prefix(Int(content.extraData.size))) },
            registerDigest: withUnsafeBytes(of: content.attested.quote.pcrDigest.buffer) {
                Array($0.prefix(Int(content.attested.quote.pcrDigest.size)))
            })
    }

    /// The values of all registers, 32 bytes each. Takes three commands, between which they can change.
    func registers() throws(DeviceError) -> [[UInt8]] {
        var values: [[UInt8]] = []
        // A TPM answers with eight digests at most (TPML_DIGEST).
        for first in stride(from: 0, to: Self.registerCount, by: 8) {
            var selection = Self.selection(of: first..<first + 8)
            var counter: UInt32 = 0
            var selected = TPML_PCR_SELECTION()
            var digests = TPML_DIGEST()
            let code = send { Tss2_Sys_PCR_Read(context, nil, &selection, &counter, &selected, &digests, nil) }
            guard code == 0 else { throw .tpm(step: "read its registers", code: code) }
            let chunk = withUnsafeBytes(of: digests.digests) { bytes in
                bytes.bindMemory(to: TPM2B_DIGEST.self).prefix(Int(digests.count)).map { digest in
                    withUnsafeBytes(of: digest.buffer) { Array($0.prefix(Int(digest.size))) }
                }
            }
            guard chunk.count == 8, chunk.allSatisfy({ $0.count == 32 }) else {
                throw .malformed("the TPM's registers", reason: "it has no 24 of SHA-256")
            }
            values += chunk
        }
        return values
    }

    /// The registers' numbers as a bitmap of the SHA-256 bank, lowest bit first.
    private static func selection(of registers: Range<Int>) -> TPML_PCR_SELECTION {
        var bitmap: UInt32 = 0
        for register in registers { bitmap |= 1 << register }
        var selection = TPML_PCR_SELECTION()
        selection.count = 1
        selection.pcrSelections.0.hash = sha256
        selection.pcrSelections.0.sizeofSelect = 3
        selection.pcrSelections.0.pcrSelect.0 = UInt8(truncatingIfNeeded: bitmap)
        selection.pcrSelections.0.pcrSelect.1 = UInt8(truncatingIfNeeded: bitmap >> 8)
        selection.pcrSelections.0.pcrSelect.2 = UInt8(truncatingIfNeeded: bitmap >> 16)
        return selection
    }

    // MARK: - Commands

    private static var emptyPassword: TSS2L_SYS_AUTH_COMMAND {
        var authorization = TSS2L_SYS_AUTH_COMMAND()
        authorization.count = 1
        authorization.auths.0.sessionHandle = passwordSession
        return authorization
    }

    private func send(_ command: () -> TSS2_RC) -> TSS2_RC {
        var code: TSS2_RC = 0
        for _ in 0..<Self.attempts {
            code = command()
            if !Self.busyCodes.contains(code) { break }
        }
        return code
    }
}
