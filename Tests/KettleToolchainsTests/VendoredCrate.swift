import KettleProvenance

/// A crate as `cargo vendor` leaves it below `vendor/`.
struct VendoredCrate {
    var name: String
    var version: String
    /// Nil for one that came from git.
    var checksum: String?
    var contents: [String: String]
    /// What its list says of its files.
    var listed: [String: String]

    init(_ name: String, version: String = "1.0.0", checksum: String?) {
        self.name = name
        self.version = version
        self.checksum = checksum
        contents = [
            "Cargo.toml": "[package]\nname = \"\(name)\"\nversion = \"\(version)\"\n", "src/lib.rs": "pub fn f() {}\n",
        ]
        listed = contents.mapValues { ContentDigest(of: Array($0.utf8)).hex }
    }

    var list: String {
        let files = listed.map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",")
        return "{\"files\":{\(files)},\"package\":\(checksum.map { "\"\($0)\"" } ?? "null")}"
    }

    /// By path in the source.
    var files: [String: String] { files(in: "vendor/\(name)") }

    func files(in folder: String) -> [String: String] {
        var files = ["\(folder)/.cargo-checksum.json": list]
        for (path, text) in contents { files["\(folder)/\(path)"] = text }
        return files
    }
}
