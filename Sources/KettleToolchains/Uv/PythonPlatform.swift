/// Which wheels an interpreter takes (Python Packaging User Guide, "Platform compatibility tags").
struct PythonPlatform: Sendable, Hashable {
    /// Of CPython 3: 11 for 3.11.
    var minor: Int
    /// `x86_64` or `aarch64`.
    var machine: String
    /// Of glibc 2: 36 for 2.36.
    var glibcMinor: Int

    /// The better of two wheels has the higher number; nil for a wheel that does not fit.
    ///
    /// - Parameter name: `name-version(-build)?-python-abi-platform.whl`.
    func rank(ofWheel name: String) -> Int? {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard name.hasSuffix(".whl"), (5...6).contains(parts.count) else { return nil }
        let tags = parts.suffix(3).map { $0.split(separator: ".").map(String.init) }
        var best: Int?
        for platform in tags[2].count > 1 && tags[2].last == "whl" ? Array(tags[2].dropLast()) : tags[2] {
            guard let place = rank(ofPlatform: platform) else { continue }
            for python in tags[0] {
                for abi in tags[1] {
                    if let fit = rank(ofPython: python, abi: abi) { best = max(best ?? 0, fit * 1000 + place) }
                }
            }
        }
        return best
    }

    private func rank(ofPython python: String, abi: String) -> Int? {
        if python == "cp3\(minor)", abi == "cp3\(minor)" { return 9 }
        if python.hasPrefix("cp3"), let older = Int(python.dropFirst(3)), older <= minor {
            if abi == "abi3", older >= 2 { return 8 }
            if abi == "none", older == minor { return 7 }
        }
        guard abi == "none", python.hasPrefix("py3") else { return nil }
        let rest = python.dropFirst(3)
        guard !rest.isEmpty else { return 5 }
        return Int(rest).flatMap { $0 <= minor ? 6 : nil }
    }

    private func rank(ofPlatform platform: String) -> Int? {
        if platform == "any" { return 0 }
        guard platform.hasSuffix("_\(machine)") else { return nil }
        let system = platform.dropLast(machine.count + 1)
        switch system {
        case "linux": return 1
        case "manylinux1": return 5
        case "manylinux2010": return 12
        case "manylinux2014": return 17
        default:
            guard system.hasPrefix("manylinux_2_"), let needed = Int(system.dropFirst("manylinux_2_".count)),
                needed <= glibcMinor
            else { return nil }
            return needed
        }
    }
}
