import Glibc

/// How many descriptors this process may have: each reader of events is one.
enum OpenFileLimit {
    /// More than readers need; some programs that are started go through all numbers that they might have open.
    private static let most: rlim_t = 1 << 20

    /// Raises the soft limit to the hard one. Commands in the sandbox have a limit of their own.
    static func raise() {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, most))
        _ = setrlimit(resource, &limit)
    }
}
