/// The name of a branch or tag, or a whole commit id, checked to be something that git could mean by it.
package struct GitRef: Sendable, Hashable {
    private static let lengthLimit = 255

    package let text: String

    /// The rules of git-check-ref-format(1), over bytes: to Swift `-` and a combining mark are one other character.
    ///
    /// - Throws: ``SourceError/refInvalid(ref:)``.
    package init(checking text: String) throws(SourceError) {
        let bytes = Array(text.utf8)
        let components = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let refused = Array(" ~^:?*[\\".utf8)
        guard !bytes.isEmpty, bytes.count <= Self.lengthLimit, bytes.first != UInt8(ascii: "-"), text != "@",
            bytes.last != UInt8(ascii: "."),
            !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F || refused.contains($0) }),
            !bytes.contains(Array("..".utf8)), !bytes.contains(Array("@{".utf8)),
            components.allSatisfy({ !$0.isEmpty && $0.first != UInt8(ascii: ".") && !$0.ends(with: ".lock") })
        else { throw .refInvalid(ref: text) }
        self.text = text
    }

    /// Names a commit that is not asked from the remote by name.
    var commit: String? {
        let lowercased = text.lowercased()
        return isHexadecimal && text.utf8.count == 40 ? lowercased : nil
    }

    /// As SHA-256 repositories name commits.
    var isLongCommit: Bool { isHexadecimal && text.utf8.count == 64 }

    var isAbbreviatedCommit: Bool { isHexadecimal && 7..<40 ~= text.utf8.count }

    private var isHexadecimal: Bool {
        text.utf8.allSatisfy { 0x30...0x39 ~= $0 || 0x41...0x46 ~= $0 || 0x61...0x66 ~= $0 }
    }
}

extension ArraySlice<UInt8> {
    fileprivate func ends(with text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}
