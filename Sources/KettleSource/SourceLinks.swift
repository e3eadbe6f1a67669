/// The symbolic links of a source, held back until all files are written.
///
/// Nothing is ever written through a link because there is none while files are written. Whether a link stays inside is
/// decided over all of them together: a target that looks harmless leaves the tree when another link on its way is shorter
/// or longer than its name.
struct SourceLinks {
    /// How many links the kernel follows on one path before it gives up (`MAXSYMLINKS`).
    private static let maximumHops = 40

    private(set) var targets: [SourcePath: [UInt8]] = [:]

    var isEmpty: Bool { targets.isEmpty }

    /// Takes a link in.
    mutating func add(_ path: SourcePath, target: [UInt8], within limits: SourceLimits) throws(SourceError) {
        guard !target.isEmpty, target.count <= limits.linkBytes, !target.contains(0) else {
            throw .linkTargetInvalid(path: path.text)
        }
        guard target.first != UInt8(ascii: "/") else {
            throw .linkAbsolute(path: path.text, target: SourcePath.text(of: target))
        }
        guard targets.updateValue(target, forKey: path) == nil else { throw .entryDuplicate(path: path.text) }
    }

    /// Refuses a path that has a link above its last component.
    func checkAbove(_ path: SourcePath) throws(SourceError) {
        guard !targets.isEmpty, path.components.count > 1 else { return }
        for length in 1..<path.components.count
        where targets[SourcePath(components: Array(path.components[..<length]))] != nil {
            throw .entryThroughLink(path: path.text)
        }
    }

    /// Follows each link as the kernel would and refuses the one that leaves the tree.
    ///
    /// What is not a link counts as a folder whether it exists or not, so that a link which dangles now cannot lead out once
    /// something is made there. Links in a circle lead nowhere and may stay.
    func checkTargets() throws(SourceError) {
        for (path, target) in targets where !staysInside(path, target) {
            throw .linkEscapesTree(path: path.text, target: SourcePath.text(of: target))
        }
    }

    private func staysInside(_ path: SourcePath, _ target: [UInt8]) -> Bool {
        var position = Array(path.components.dropLast())
        var ahead: [ArraySlice<UInt8>] = Self.componentsReversed(target)
        var hops = 1
        while let component = ahead.popLast() {
            if component.elementsEqual([UInt8(ascii: ".")]) { continue }
            if component.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]) {
                guard position.popLast() != nil else { return false }
                continue
            }
            position.append(FileName(component))
            if let next = targets[SourcePath(components: position)] {
                hops += 1
                guard hops <= Self.maximumHops else { return true }
                position.removeLast()
                ahead += Self.componentsReversed(next)
            }
        }
        return true
    }

    private static func componentsReversed(_ target: [UInt8]) -> [ArraySlice<UInt8>] {
        target.split(separator: UInt8(ascii: "/")).reversed()
    }
}
