import KettleArchive

/// The symbolic links of a source, held back until all files are written.
///
/// Nothing is ever written through a link because there is none while files are written. Whether a link stays inside is
/// decided over all of them together: a target that looks harmless leaves the tree when another link on its way is shorter
/// or longer than its name.
struct SourceLinks {
    /// How many links the kernel follows on one path before it gives up (`MAXSYMLINKS`).
    private static let maximumHops = 40

    struct Link {
        var path: SourcePath
        var target: [UInt8]
    }

    /// A folder on the way to a link, or a link.
    private struct Node {
        var children: [FileName: Int] = [:]
        /// Its place in ``all``.
        var link: Int?
    }

    /// In the order in which they came.
    private(set) var all: [Link] = []
    /// By component, the root first, so that a step on a path costs one look however deep it is.
    private var nodes = [Node()]

    /// Whether a link has that path.
    func contains(_ path: SourcePath) -> Bool {
        var node = 0
        for component in path.components {
            guard let next = nodes[node].children[component] else { return false }
            node = next
        }
        return nodes[node].link != nil
    }

    /// Takes a link in.
    mutating func add(_ path: SourcePath, target: [UInt8], within limits: SourceLimits) throws(SourceError) {
        guard !target.isEmpty, target.count <= limits.linkBytes, !target.contains(0) else {
            throw .linkTargetInvalid(path: path.text)
        }
        guard target.first != UInt8(ascii: "/") else {
            throw .linkAbsolute(path: path.text, target: ArchiveError.text(of: target))
        }
        let node = makeNode(path)
        guard nodes[node].link == nil else { throw .entryDuplicate(path: path.text) }
        nodes[node].link = all.count
        all.append(Link(path: path, target: target))
    }

    private mutating func makeNode(_ path: SourcePath) -> Int {
        var node = 0
        for component in path.components {
            if let next = nodes[node].children[component] {
                node = next
            } else {
                nodes[node].children[component] = nodes.count
                node = nodes.count
                nodes.append(Node())
            }
        }
        return node
    }

    /// Refuses a path that has a link above its last component.
    func checkAbove(_ path: SourcePath) throws(SourceError) {
        var node = 0
        for component in path.components.dropLast() {
            guard let next = nodes[node].children[component] else { return }
            guard nodes[next].link == nil else { throw .entryThroughLink(path: path.text) }
            node = next
        }
    }

    /// Follows each link as the kernel would and refuses the one that leaves the tree.
    ///
    /// What is not a link counts as a folder whether it exists or not, so that a link which dangles now cannot lead out once
    /// something is made there. Links in a circle lead nowhere and may stay. Links that lead to one another can make ways
    /// without end out of few bytes: all ways together have a limit.
    func checkTargets(within limits: SourceLimits) throws(SourceError) {
        var steps = limits.linkSteps
        for link in all {
            guard try staysInside(link, &steps, limits) else {
                throw .linkEscapesTree(path: link.path.text, target: ArchiveError.text(of: link.target))
            }
        }
    }

    private func staysInside(
        _ link: Link, _ steps: inout Int, _ limits: SourceLimits
    ) throws(SourceError) -> Bool {
        // The nodes from the root to where the way is now; nil for a place that no link lies below.
        var position: [Int?] = [0]
        for component in link.path.components.dropLast() { position.append(child(component, of: position.last)) }
        var ahead: [ArraySlice<UInt8>] = Self.componentsReversed(link.target)
        var hops = 1
        while let component = ahead.popLast() {
            steps -= 1
            guard steps >= 0 else { throw .linkStepsExceeded(limit: limits.linkSteps) }
            if component.elementsEqual([UInt8(ascii: ".")]) { continue }
            if component.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]) {
                guard position.count > 1 else { return false }
                position.removeLast()
                continue
            }
            let node = child(FileName(component), of: position.last)
            if let next = node.flatMap({ nodes[$0].link }) {
                hops += 1
                guard hops <= Self.maximumHops else { return true }
                ahead += Self.componentsReversed(all[next].target)
            } else {
                position.append(node)
            }
        }
        return true
    }

    private func child(_ name: FileName, of node: Int??) -> Int? {
        guard case .some(.some(let node)) = node else { return nil }
        return nodes[node].children[name]
    }

    private static func componentsReversed(_ target: [UInt8]) -> [ArraySlice<UInt8>] {
        target.split(separator: UInt8(ascii: "/")).reversed()
    }
}
