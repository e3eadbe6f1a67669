import KettleLauncher

extension LauncherReport {
    /// The end of the command as Kettle tells it.
    ///
    /// - Throws: ``SandboxError/setupFailed(reason:)``, ``SandboxError/limitExceeded(limit:value:)``, or
    ///   ``SandboxError/launcherLost`` when nobody asked it to stop.
    func end(within limits: SandboxLimits) throws(SandboxError) -> CommandEnd {
        switch self {
        case .ended(let status, let time, let memory):
            // Real-time signals included: 64 is the last one.
            let isSignal = status > 128 && status <= 128 + 64
            return CommandEnd(
                exitCode: isSignal ? nil : status, signal: isSignal ? status - 128 : nil,
                processorTime: .microseconds(time), peakMemoryBytes: memory << 10)
        case .failed(let reason): throw .setupFailed(reason: reason)
        case .stopped: throw .launcherLost
        case .exceeded(let limit): throw .exceeded(limit, of: limits)
        }
    }
}
