import Glibc
import KettleDevices
import KettleTesting
import Synchronization
import SystemPackage
import Testing

/// What stands for /dev/sev-guest: records each request's bytes as the kernel would read them, and answers from a list.
private final class SEVGuestDouble: Sendable {
    struct Call: Equatable {
        var request: UInt
        var version: [UInt8]
        /// user_data, level and the reserved bytes.
        var body: [UInt8]
        /// The room for a table, where there is any.
        var room: UInt32?
        var hasTableAddress = false
    }

    struct Answer {
        var errno: Int32 = 0
        var exitInfo: UInt64 = 0
        var response: [UInt8] = []
        var table: [UInt8] = []
        var neededRoom: UInt32?
    }

    private let state: Mutex<(answers: [Answer], calls: [Call])>

    init(_ answers: [Answer]) { state = Mutex((answers, [])) }

    var calls: [Call] { state.withLock { $0.calls } }

    var device: SEVGuestDevice { SEVGuestDevice { self.control($0, $1) } }

    /// Reads and writes at the offsets of include/uapi/linux/sev-guest.h.
    private func control(_ request: UInt, _ argument: UnsafeMutableRawPointer) -> Int32 {
        let isExtended = request == 0xC020_5302
        guard let body = pointer(argument, at: 8), let response = pointer(argument, at: 16) else { return EFAULT }
        var call = Call(
            request: request, version: Array(UnsafeRawBufferPointer(start: argument, count: 8)),
            body: Array(UnsafeRawBufferPointer(start: body, count: 96)))
        let table = isExtended ? pointer(body, at: 96) : nil
        if isExtended {
            call.room = body.loadUnaligned(fromByteOffset: 104, as: UInt32.self)
            call.hasTableAddress = table != nil
        }
        let answer = state.withLock { state in
            state.calls.append(call)
            return state.answers.isEmpty ? Answer(errno: ENOTTY) : state.answers.removeFirst()
        }
        argument.storeBytes(of: answer.exitInfo, toByteOffset: 24, as: UInt64.self)
        response.copyMemory(from: answer.response, byteCount: answer.response.count)
        table?.copyMemory(from: answer.table, byteCount: min(answer.table.count, Int(call.room ?? 0)))
        if let room = answer.neededRoom { body.storeBytes(of: room, toByteOffset: 104, as: UInt32.self) }
        return answer.errno
    }

    private func pointer(_ base: UnsafeMutableRawPointer, at offset: Int) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: UInt(base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
}

@Suite struct SEVGuestDeviceTests {
    private let report = [UInt8](repeating: 0xAB, count: 1184)
    private let table: [UInt8] = [1, 2, 3]

    private func response(status: UInt32 = 0, size: UInt32 = 1184) -> [UInt8] {
        LittleEndian.bytes(status) + LittleEndian.bytes(size) + [UInt8](repeating: 0, count: 24) + report
    }

    private func call(extended room: UInt32?, level: UInt8 = 0) -> SEVGuestDouble.Call {
        SEVGuestDouble.Call(
            request: room == nil ? 0xC020_5300 : 0xC020_5302, version: [1, 0, 0, 0, 0, 0, 0, 0],
            body: sixtyFourBytes + [level, 0, 0, 0] + [UInt8](repeating: 0, count: 28), room: room,
            hasTableAddress: room != nil)
    }

    @Test func `a report and the host's table come in one call`() throws {
        let double = SEVGuestDouble([.init(response: response(), table: table)])
        let answer = try double.device.report(over: sixtyFourBytes)
        #expect(answer.report == report)
        #expect(answer.table == table + [UInt8](repeating: 0, count: 16384 - 3))
        #expect(double.calls == [call(extended: 16384)])
    }

    @Test(arguments: [0, 1, 3])
    func `the level is asked for`(level: Int) throws {
        let double = SEVGuestDouble([.init(response: response())])
        _ = try double.device.report(over: sixtyFourBytes, privilegeLevel: level)
        #expect(double.calls == [call(extended: 16384, level: UInt8(level))])
    }

    @Test func `a negative level is refused before anything is asked`() {
        let double = SEVGuestDouble([])
        #expect(throws: DeviceError.privilegeLevel(-1, lowest: 0)) {
            try double.device.report(over: sixtyFourBytes, privilegeLevel: -1)
        }
        #expect(double.calls.isEmpty)
    }

    @Test(arguments: [0, 48, 63, 65])
    func `other than 64 bytes of report data are refused before anything is asked`(count: Int) {
        let double = SEVGuestDouble([])
        #expect(throws: DeviceError.wrongLength("the report data", expected: 64, actual: count)) {
            try double.device.report(over: Array(repeating: 1, count: count))
        }
        #expect(double.calls.isEmpty)
    }

    // MARK: - Larger tables

    @Test func `a larger table gets the room that it needs`() throws {
        let large = [UInt8](repeating: 7, count: 20480)
        let double = SEVGuestDouble([
            .init(errno: EIO, exitInfo: 1 << 32, neededRoom: 20480), .init(response: response(), table: large),
        ])
        #expect(try double.device.report(over: sixtyFourBytes).table == large)
        #expect(double.calls == [call(extended: 16384), call(extended: 20480)])
    }

    @Test(arguments: [0, 4096, 16_384, 20_481, 1_052_672, UInt32.max])
    func `room that makes no sense is not given`(room: UInt32) {
        let double = SEVGuestDouble([.init(errno: EIO, exitInfo: 1 << 32, neededRoom: room)])
        #expect(throws: DeviceError.tooLarge("the host's certificate table", limitInBytes: 1 << 20)) {
            try double.device.report(over: sixtyFourBytes)
        }
        #expect(double.calls.count == 1)
    }

    @Test func `a host that never has enough room gives a report without a table`() throws {
        let double = SEVGuestDouble([
            .init(errno: EIO, exitInfo: 1 << 32, neededRoom: 20480),
            .init(errno: EIO, exitInfo: 1 << 32, neededRoom: 24576), .init(response: response()),
        ])
        let answer = try double.device.report(over: sixtyFourBytes)
        #expect(answer.report == report)
        #expect(answer.table.isEmpty)
        #expect(double.calls.last == call(extended: nil))
    }

    // MARK: - Without extended reports

    @Test(arguments: [(ENOTTY, 0), (EINVAL, 0), (EIO, 3 << 32), (EIO, 0xFFFF_FFFF), (EIO, 0xFF)] as [(Int32, UInt64)])
    func `where there are no extended reports a plain one is taken`(errno: Int32, exitInfo: UInt64) throws {
        let double = SEVGuestDouble([.init(errno: errno, exitInfo: exitInfo), .init(response: response())])
        let answer = try double.device.report(over: sixtyFourBytes)
        #expect(answer.report == report)
        #expect(answer.table.isEmpty)
        #expect(double.calls == [call(extended: 16384), call(extended: nil)])
    }

    @Test(
        arguments: [
            (EIO, 0, .failed(.sevGuest, step: "report", errno: EIO)),
            (EIO, 0xFFFF_FFFF, .failed(.sevGuest, step: "report", errno: EIO)),
            (EAGAIN, 2 << 32, .hypervisor(error: 2)),
            (EIO, 0x16, .firmware(status: 0x16)), (ENOENT, 0, .absent(.sevGuest)), (EACCES, 0, .denied(.sevGuest)),
        ] as [(Int32, UInt64, DeviceError)])
    func `why neither kind of report came is told`(errno: Int32, exitInfo: UInt64, error: DeviceError) {
        let double = SEVGuestDouble([.init(errno: ENOTTY), .init(errno: errno, exitInfo: exitInfo)])
        #expect(throws: error) { try double.device.report(over: sixtyFourBytes) }
    }

    // MARK: - Refusals

    @Test func `a refusal by the security processor stands`() {
        let double = SEVGuestDouble([.init(errno: EIO, exitInfo: 0x27)])
        #expect(throws: DeviceError.firmware(status: 0x27)) { try double.device.report(over: sixtyFourBytes) }
        #expect(double.calls.count == 1)
    }

    @Test(arguments: [UInt32(0x16), 0x27, .max])
    func `a response with another status than zero is refused`(status: UInt32) {
        let double = SEVGuestDouble([.init(response: response(status: status))])
        #expect(throws: DeviceError.firmware(status: status)) { try double.device.report(over: sixtyFourBytes) }
    }

    @Test(arguments: [UInt32(0), 1183, 1185, .max])
    func `a response with a report of another length is refused`(size: UInt32) {
        let double = SEVGuestDouble([.init(response: response(size: size))])
        #expect(throws: DeviceError.wrongLength("the report", expected: 1184, actual: Int(size))) {
            try double.device.report(over: sixtyFourBytes)
        }
    }

    @Test func `a device file that is not there is named`() throws {
        let scratch = try ScratchFolder()
        let device = SEVGuestDevice(path: scratch.path.appending("sev-guest"))
        #expect(throws: DeviceError.absent(.sevGuest)) { try device.report(over: sixtyFourBytes) }
    }

    @Test func `a file that is no such device is refused`() throws {
        #expect(throws: DeviceError.failed(.sevGuest, step: "report", errno: ENOTTY)) {
            try SEVGuestDevice(path: "/dev/null").report(over: sixtyFourBytes)
        }
    }
}
