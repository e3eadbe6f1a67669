/// What a launcher says when everything is over, as one line of text.
package enum LauncherReport: Equatable {
    package static let limitInBytes = 8192

    /// The command ran; `status` is its exit code, or 128 + the signal.
    case ended(status: Int32, processorMicroseconds: Int, peakMemoryKibibytes: Int)

    /// The command never ran.
    case failed(reason: String)

    /// The launcher was told to end the command, or was signalled.
    case stopped

    /// The command reached a limit, and was ended if it had not ended already.
    case exceeded(SandboxLimit)

    /// - Returns: nil for anything that a launcher does not say.
    package init?(parsing bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        let words = text.split(separator: " ", maxSplits: 1).map(String.init)
        switch words.first {
        case "stopped": self = .stopped
        case "exceeded" where words.count == 2:
            guard let limit = SandboxLimit(rawValue: words[1]) else { return nil }
            self = .exceeded(limit)
        case "failed" where words.count == 2: self = .failed(reason: words[1])
        case "ended" where words.count == 2:
            let numbers = words[1].split(separator: " ").map { Int($0) }
            guard numbers.count == 3, let status = numbers[0].flatMap({ Int32(exactly: $0) }), status >= 0,
                let time = numbers[1], let memory = numbers[2], memory >= 0, memory < Int.max >> 10
            else { return nil }
            self = .ended(status: status, processorMicroseconds: time, peakMemoryKibibytes: memory)
        default: return nil
        }
    }

    package var text: String {
        switch self {
        case .ended(let status, let time, let memory): "ended \(status) \(time) \(memory)"
        case .failed(let reason): "failed \(reason)"
        case .stopped: "stopped"
        case .exceeded(let limit): "exceeded \(limit.rawValue)"
        }
    }
}
