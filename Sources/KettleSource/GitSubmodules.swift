/// Where a repository says that its submodules come from.
enum GitSubmodules {
    /// Reads what `git config --list -z` prints of `.gitmodules`.
    ///
    /// - Returns: URLs by path, as they are written there. The last word counts, as it does for git.
    static func urls(in configuration: [UInt8]) -> [[UInt8]: String] {
        var names: [[UInt8]] = []
        var paths: [[UInt8]: [UInt8]] = [:]
        var urls: [[UInt8]: String] = [:]
        for item in configuration.split(separator: 0) {
            guard let newline = item.firstIndex(of: UInt8(ascii: "\n")) else { continue }
            let key = item[..<newline]
            let value = item[(newline + 1)...]
            guard key.starts(with: "submodule.".utf8), let dot = key.lastIndex(of: UInt8(ascii: ".")) else { continue }
            let name = Array(key[..<dot])
            switch String(decoding: key[(dot + 1)...], as: UTF8.self) {
            case "path":
                names.append(name)
                paths[name] = Array(value)
            case "url": urls[name] = String(decoding: value, as: UTF8.self)
            default: continue
            }
        }
        var result: [[UInt8]: String] = [:]
        for name in names {
            if let path = paths[name] { result[path] = urls[name] }
        }
        return result
    }

    /// A submodule's URL may be relative to its repository's (gitsubmodules(7), `./` and `../`).
    ///
    /// - Throws: ``SourceError/urlMalformed(url:)`` when it climbs above the server's root: it does not choose the server.
    static func resolve(_ text: String, against base: URLParts) throws(SourceError) -> String {
        var rest = text[...]
        guard rest.utf8.starts(with: "./".utf8) || rest.utf8.starts(with: "../".utf8) else { return text }
        var components = base.path.split(separator: "/")
        while true {
            if rest.utf8.starts(with: "./".utf8) {
                rest = rest.dropFirst(2)
            } else if rest.utf8.starts(with: "../".utf8) {
                guard components.popLast() != nil else { throw .urlMalformed(url: text) }
                rest = rest.dropFirst(3)
            } else {
                break
            }
        }
        return base.root + "/" + (components + [rest]).joined(separator: "/")
    }
}
