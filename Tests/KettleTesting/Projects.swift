/// Small cargo projects without dependencies, as files by path.
package enum Projects {
    /// One binary, `hello`.
    package static let hello: [String: String] = [
        "Cargo.toml": manifest("hello"), "Cargo.lock": lockfile("hello"),
        "src/main.rs": #"fn main() { println!("hello"); }"# + "\n",
    ]

    /// A binary whose build script takes some seconds, so that there is a running build to look at; then the compiler prints
    /// `warnings` warnings, so that there is something to read.
    package static func slow(seconds: Int, warnings: Int = 0) -> [String: String] {
        let unused = (0..<warnings).map { "fn unused_\($0)() {}\n" }.joined()
        return [
            "Cargo.toml": manifest("slow"), "Cargo.lock": lockfile("slow"),
            "build.rs": "fn main() { std::thread::sleep(std::time::Duration::from_secs(\(seconds))); }\n",
            "src/main.rs": unused + "fn main() {}\n",
        ]
    }

    /// No project that anything here can build.
    package static let unsupported: [String: String] = ["README.md": "# Nothing to build\n", "main.f90": "end\n"]

    package static func manifest(_ name: String) -> String {
        "[package]\nname = \"\(name)\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"
    }

    package static func lockfile(_ name: String) -> String {
        "version = 3\n\n[[package]]\nname = \"\(name)\"\nversion = \"0.1.0\"\n"
    }
}
