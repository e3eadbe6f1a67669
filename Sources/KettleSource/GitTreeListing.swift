import KettleProvenance

/// One line of `git ls-tree -r -z`, or a file that would be one.
package struct GitTreeListing: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case file(isExecutable: Bool)
        case link
        /// A commit of a submodule.
        case gitlink
    }

    package var kind: Kind
    /// 40 hexadecimal digits.
    package var id: String
    package var path: [UInt8]

    var text: String { String(decoding: path, as: UTF8.self) }

    /// - Parameter url: For messages.
    package static func parse(_ bytes: [UInt8], from url: String) throws(SourceError) -> [GitTreeListing] {
        var entries: [GitTreeListing] = []
        for line in bytes.split(separator: 0) {
            guard let tab = line.firstIndex(of: UInt8(ascii: "\t")) else { throw .objectsInvalid(url: url) }
            let parts = String(decoding: line[..<tab], as: UTF8.self).split(separator: " ").map(String.init)
            guard parts.count == 3, parts[2].utf8.count == 40, [UInt8](hexadecimal: parts[2]) != nil else {
                throw .objectsInvalid(url: url)
            }
            let path = Array(line[(tab + 1)...])
            guard let kind = kind(mode: parts[0]) else {
                throw .entryTypeUnknown(path: String(decoding: path, as: UTF8.self))
            }
            entries.append(GitTreeListing(kind: kind, id: parts[2], path: path))
        }
        return entries
    }

    /// git prints the modes it knows, whatever stands in the tree; the tree's id shows the difference.
    private static func kind(mode: String) -> Kind? {
        switch mode {
        case "100644": .file(isExecutable: false)
        case "100755": .file(isExecutable: true)
        case "120000": .link
        case "160000": .gitlink
        default: nil
        }
    }
}
