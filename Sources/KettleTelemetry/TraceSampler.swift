/// Which traces are recorded (OpenTelemetry's `OTEL_TRACES_SAMPLER`).
package enum TraceSampler: Sendable, Equatable {
    case alwaysOn, alwaysOff
    /// - Parameter ratio: From 0 to 1.
    case ratio(Double)
    /// As the caller's trace says; without one, as the other says.
    indirect case parentBased(TraceSampler)

    /// The names of the specification, `OTEL_TRACES_SAMPLER`.
    package static let names = [
        "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off",
        "parentbased_traceidratio",
    ]

    /// - Parameters:
    ///   - name: One of ``names``; another gives nil.
    ///   - argument: For the samplers with a ratio, a number from 0 to 1; another gives nil.
    package init?(name: String, argument: String?) {
        var ratio = 1.0
        if name.hasSuffix("traceidratio"), let argument {
            guard let number = Double(argument), (0...1).contains(number) else { return nil }
            ratio = number
        }
        switch name {
        case "always_on": self = .alwaysOn
        case "always_off": self = .alwaysOff
        case "traceidratio": self = .ratio(ratio)
        case "parentbased_always_on": self = .parentBased(.alwaysOn)
        case "parentbased_always_off": self = .parentBased(.alwaysOff)
        case "parentbased_traceidratio": self = .parentBased(.ratio(ratio))
        default: return nil
        }
    }

    func isSampled(_ traceID: [UInt8], parent: SpanIdentity?) -> Bool {
        switch self {
        case .alwaysOn: true
        case .alwaysOff: false
        case .ratio(let ratio):
            // The last 7 bytes are random (W3C Trace Context level 2), and every service decides alike.
            Double(traceID.suffix(7).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) < ratio * Double(UInt64(1) << 56)
        case .parentBased(let root): parent?.isSampled ?? root.isSampled(traceID, parent: nil)
        }
    }
}
