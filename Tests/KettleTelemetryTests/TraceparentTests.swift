import KettleTelemetry
import Testing

@Suite struct TraceparentTests {
    private static let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func `a caller's span is read as it was written`() throws {
        let identity = try #require(SpanIdentity(traceparent: Self.valid))
        #expect(identity.traceparent == Self.valid)
        #expect(identity.isSampled)
        #expect(SpanIdentity(traceparent: Self.valid.dropLast() + "0")?.isSampled == false)
        // A version of the future may have more fields.
        #expect(SpanIdentity(traceparent: "cc" + Self.valid.dropFirst(2) + "-more") != nil)
    }

    @Test(arguments: [
        "", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", valid + "-more", valid + "0",
        "ff" + valid.dropFirst(2),
        "0x" + valid.dropFirst(2), valid.uppercased(), "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", valid.replacing("-", with: "_"),
        "cc" + valid.dropFirst(2) + "x", "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
    ])
    func `what is no traceparent begins a trace of its own`(text: String) {
        #expect(SpanIdentity(traceparent: text) == nil)
    }

    @Test(arguments: [
        ("traceidratio", "2"), ("traceidratio", "nan"), ("parentbased_traceidratio", "-0.1"), ("sometimes", nil),
    ])
    func `a sampler that there is not is refused`(name: String, argument: String?) {
        #expect(TraceSampler(name: name, argument: argument) == nil)
    }
}
