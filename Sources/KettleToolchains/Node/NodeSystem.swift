import KettleProvenance

/// Which systems a package says that it is for.
enum NodeSystem {
    #if arch(arm64)
        private static let processor = "arm64"
    #else
        private static let processor = "x64"
    #endif

    /// Whether a package is for this system, by what a lockfile has for its `os` and `cpu`. Package managers leave out an optional
    /// one that is not.
    static func isThis(os: JSONValue?, cpu: JSONValue?) -> Bool { allows("linux", os) && allows(processor, cpu) }

    /// - Parameter list: A text or a list of texts; those that begin with `!` exclude.
    private static func allows(_ system: String, _ list: JSONValue?) -> Bool {
        guard let list, !list.isNull else { return true }
        let names = list.arrayValue?.compactMap(\.stringValue) ?? list.stringValue.map { [$0] } ?? []
        if names == ["any"] { return true }
        if names.contains("!\(system)") { return false }
        return names.contains(system) || names.allSatisfy { $0.hasPrefix("!") }
    }
}
