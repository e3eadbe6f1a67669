import CLinux
import Glibc
import KettleAttestation
package import SystemPackage

/// /dev/sev-guest, which kernels before configfs-tsm have alone (Documentation/virt/coco/sev-guest.rst,
/// include/uapi/linux/sev-guest.h).
///
/// Its functions block: call them on a thread that may wait.
package struct SEVGuestDevice: Sendable {
    /// Where Linux has it.
    package static let standardPath: FilePath = "/dev/sev-guest"

    /// Sends the device a request with the address of its argument, as ioctl(2) does; returns 0 or errno.
    package typealias Control = @Sendable (_ request: UInt, _ argument: UnsafeMutableRawPointer) -> Int32

    /// What the hardware answered.
    package struct Report: Hashable, Sendable {
        /// The report, 1,184 bytes.
        package var report: [UInt8]
        /// The host's certificate table; empty when the host has none.
        package var table: [UInt8]
    }

    /// SNP_GET_REPORT and SNP_GET_EXT_REPORT: _IOWR('S', 0x0 and 0x2, struct snp_guest_request_ioctl).
    private static let getReport: UInt = 0xC020_5300
    private static let getExtendedReport: UInt = 0xC020_5302
    /// The kernel takes whole pages only.
    private static let pageByteCount = 4096
    /// What a table gets room for at first: as much as the kernel passes on today (SEV_FW_BLOB_MAX_SIZE).
    private static let firstTableByteCount = 4 * pageByteCount
    /// What it gets room for at most.
    private static let tableLimitInBytes = 256 * pageByteCount

    private let control: Control

    /// - Parameter path: The device.
    package init(path: FilePath = standardPath) {
        self.init { request, argument in
            let file = SystemCall.retrying { open(path.string, O_RDWR | O_CLOEXEC) }
            guard file >= 0 else { return errno }
            defer { close(file) }
            return linux_control_device(file, request, argument) == 0 ? 0 : errno
        }
    }

    /// - Parameter control: What stands for the device.
    package init(control: @escaping Control) {
        self.control = control
    }

    /// Has the hardware sign 64 bytes, and takes the host's certificates along when the host gives them.
    ///
    /// - Parameters:
    ///   - data: 64 bytes.
    ///   - privilegeLevel: The guest's level to report for (VMPL).
    package func report(over data: [UInt8], privilegeLevel: Int = 0) throws(DeviceError) -> Report {
        guard data.count == ConfigfsTSM.reportDataByteCount else {
            throw .wrongLength("the report data", expected: ConfigfsTSM.reportDataByteCount, actual: data.count)
        }
        guard let level = UInt32(exactly: privilegeLevel) else { throw .privilegeLevel(privilegeLevel, lowest: 0) }
        var exchange = Exchange(data: data, level: level, tableByteCount: Self.firstTableByteCount)
        var failure = send(Self.getExtendedReport, &exchange)
        if failure != 0, exchange.tableWasTooSmall {
            let needed = exchange.tableByteCount
            guard needed > Self.firstTableByteCount, needed.isMultiple(of: Self.pageByteCount),
                needed <= Self.tableLimitInBytes
            else { throw .tooLarge("the host's certificate table", limitInBytes: Self.tableLimitInBytes) }
            exchange = Exchange(data: data, level: level, tableByteCount: needed)
            failure = send(Self.getExtendedReport, &exchange)
        }
        if failure == 0 { return Report(report: try exchange.report(), table: exchange.table) }

        // Where the kernel or the host has no extended reports, plain ones may do. A refusal by the security processor
        // stands: it would be the same.
        if let status = exchange.firmwareError { throw .firmware(status: status) }
        exchange = Exchange(data: data, level: level, tableByteCount: 0)
        failure = send(Self.getReport, &exchange)
        guard failure == 0 else { throw exchange.error(failure) }
        return Report(report: try exchange.report(), table: [])
    }

    private func send(_ request: UInt, _ exchange: inout Exchange) -> Int32 {
        exchange.withArgument { control(request, $0) }
    }
}

/// The memory of one request and its answer.
private struct Exchange {
    private static let responseByteCount = 4000
    private static let reportOffset = 32

    /// struct snp_ext_report_req: user_data 64, vmpl u32, 28 zero bytes, certs_address u64, certs_len u32, padding. Its
    /// first 96 bytes are struct snp_report_req.
    private var request: [UInt8]
    /// struct snp_report_resp: MSG_REPORT_RSP, with status u32, size u32, 24 reserved bytes and the report (AMD 56860,
    /// MSG_REPORT_RSP).
    private var response = [UInt8](repeating: 0, count: responseByteCount)
    private(set) var table: [UInt8]
    /// exitinfo2: what firmware (lower half) and hypervisor (upper half) say of a failure.
    private var exitInfo: UInt64 = 0

    init(data: [UInt8], level: UInt32, tableByteCount: Int) {
        request = data + [UInt8](repeating: 0, count: 112 - data.count)
        request.replaceSubrange(64..<68, with: withUnsafeBytes(of: level.littleEndian, Array.init))
        table = [UInt8](repeating: 0, count: tableByteCount)
        self.tableByteCount = tableByteCount
    }

    /// The room for the table; after a refusal, what the host wants.
    private(set) var tableByteCount: Int

    /// Runs `body` with the address of a struct snp_guest_request_ioctl: msg_version u8 = 1, req_data u64 at 8, resp_data
    /// u64 at 16, exitinfo2 u64 at 24.
    mutating func withArgument(_ body: (UnsafeMutableRawPointer) -> Int32) -> Int32 {
        var room = UInt32(tableByteCount)
        let failure = request.withUnsafeMutableBytes { request in
            response.withUnsafeMutableBytes { response in
                table.withUnsafeMutableBytes { table -> Int32 in
                    guard let request = request.baseAddress, let response = response.baseAddress else { return EINVAL }
                    let address = room == 0 ? 0 : UInt64(UInt(bitPattern: table.baseAddress))
                    request.storeBytes(of: address, toByteOffset: 96, as: UInt64.self)
                    request.storeBytes(of: room, toByteOffset: 104, as: UInt32.self)
                    var argument: (version: UInt64, request: UInt64, response: UInt64, exitInfo: UInt64) = (
                        1, UInt64(UInt(bitPattern: request)), UInt64(UInt(bitPattern: response)), 0
                    )
                    let failure = withUnsafeMutableBytes(of: &argument) { argument in
                        argument.baseAddress.map(body) ?? EINVAL
                    }
                    exitInfo = argument.exitInfo
                    room = request.loadUnaligned(fromByteOffset: 104, as: UInt32.self)
                    return failure
                }
            }
        }
        tableByteCount = Int(room)
        return failure
    }

    /// SNP_GUEST_VMM_ERR_INVALID_LEN.
    var tableWasTooSmall: Bool { hypervisorError == 1 }

    private var hypervisorError: UInt32 { UInt32(truncatingIfNeeded: exitInfo >> 32) }

    /// The firmware's own refusal. All ones, or 0xFF in older kernels, say that firmware was not asked.
    var firmwareError: UInt32? {
        switch UInt32(truncatingIfNeeded: exitInfo) {
        case 0, 0xFF, .max: nil
        case let status: status
        }
    }

    func error(_ errno: Int32) -> DeviceError {
        if let firmwareError { return .firmware(status: firmwareError) }
        if hypervisorError != 0 { return .hypervisor(error: hypervisorError) }
        switch errno {
        case ENOENT, ENXIO, ENODEV: return .absent(.sevGuest)
        case EACCES, EPERM: return .denied(.sevGuest)
        default: return .failed(.sevGuest, step: "report", errno: errno)
        }
    }

    func report() throws(DeviceError) -> [UInt8] {
        guard let layout = ByteLayout(response, count: Self.responseByteCount) else {
            throw .wrongLength("the response", expected: Self.responseByteCount, actual: response.count)
        }
        let status = layout.uint32(littleEndian: 0)
        guard status == 0 else { throw .firmware(status: status) }
        let size = Int(layout.uint32(littleEndian: 4))
        guard size == SNPReport.byteCount else {
            throw .wrongLength("the report", expected: SNPReport.byteCount, actual: size)
        }
        return layout.field(Self.reportOffset, size)
    }
}
