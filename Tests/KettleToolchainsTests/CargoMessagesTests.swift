import KettleProvenance
import KettleSandbox
import Testing

@testable import KettleToolchains

@Suite struct CargoMessagesTests {
    private func message(
        id: String = "path+file:///build/source#app@0.1.0", kind: String = "bin", files: [String],
        reason: String = "compiler-artifact", isTest: Bool = false
    ) -> String {
        // cargo writes the reason first.
        let rest: JSONValue = [
            "package_id": .string(id), "target": ["kind": [.string(kind)], "name": "app"],
            "profile": ["test": .bool(isTest)], "filenames": .array(files.map { .string($0) }),
        ]
        return "{\"reason\":\"\(reason)\"," + rest.canonicalString().dropFirst()
    }

    private func artifacts(_ lines: [String], from stream: OutputStream = .stdout) throws -> [ArtifactPath] {
        var reader = CargoMessages()
        for line in lines { #expect(show(line, to: &reader, from: stream) == (stream == .stdout ? nil : line)) }
        return try reader.artifacts()
    }

    private func show(_ line: String, to reader: inout CargoMessages, from stream: OutputStream) -> String? {
        Array(line.utf8).withUnsafeBytes { reader.read(line: $0, from: stream) }
    }

    @Test func `final outputs of the source's packages are artifacts`() throws {
        let artifacts = try artifacts([
            message(files: ["/build/target/release/app"]),
            message(
                id: "path+file:///build/source/lib#0.2.0", kind: "cdylib",
                files: ["/build/target/release/libx.so", "/build/target/release/libx.rlib"]),
            message(
                id: "y 0.1.0 (path+file:///build/source/y)", kind: "staticlib", files: ["/build/target/release/liby.a"]),
            message(kind: "cdylib", files: ["/build/target/wasm32-unknown-unknown/release/z.wasm"]),
            message(kind: "bin", files: ["/build/target/release/app", "/build/target/release/app.dwp"]),
        ])
        #expect(artifacts.map(\.name) == ["app", "libx.so", "liby.a", "z.wasm"])
        #expect(
            artifacts.map(\.path) == [
                "release/app", "release/libx.so", "release/liby.a", "wasm32-unknown-unknown/release/z.wasm",
            ])
    }

    @Test(arguments: [
        "/etc/passwd", "/build/source/app", "/build/target/../source/app", "/build/target/release/../../x",
        "/build/target/release/./app", "/build/target/release//app", "/build/target/release/", "/build/target/release",
        "/build/target/release/deps/app", "/build/target/release/build/app-1/app", "/build/target/release/examples/app",
        "/build/target/debug/app", "/build/target/x/y/release/app", "/build/target/x/release/deps/app",
        "/build/target/release/release/app", "build/target/release/app", "/build/targets/release/app",
        "/build/target/release/a\0b",
    ])
    func `a file that is not where final outputs are is none, whoever names it`(file: String) throws {
        #expect(try artifacts([message(files: [file])]).isEmpty)
    }

    @Test(arguments: [
        "registry+https://github.com/rust-lang/crates.io-index#libc@0.2.1", "path+file:///build/sources#app@0.1.0",
        "path+file:///build/vendor/x#0.1.0", "path+file:///build/source", "git+https://x#path+file:///build/source#a",
        "app 0.1.0 (git+https://x?path+file:///build/source/)", "",
    ])
    func `a dependency's file is no artifact`(id: String) throws {
        #expect(try artifacts([message(id: id, files: ["/build/target/release/app"])]).isEmpty)
    }

    @Test(arguments: ["lib", "rlib", "proc-macro", "custom-build", "example", "test", "bench"])
    func `other kinds of targets make no artifacts`(kind: String) throws {
        #expect(try artifacts([message(kind: kind, files: ["/build/target/release/app"])]).isEmpty)
    }

    @Test func `tests and other messages make no artifacts`() throws {
        #expect(
            try artifacts([
                message(files: ["/build/target/release/app"], isTest: true),
                message(files: ["/build/target/release/app"], reason: "build-script-executed"),
                #"{"reason":"build-finished","success":true}"#,
            ]).isEmpty)
    }

    @Test func `standard error is never a message`() throws {
        #expect(try artifacts([message(files: ["/build/target/release/app"])], from: .stderr).isEmpty)
    }

    @Test func `one name at two places is refused`() {
        #expect(throws: ToolchainError.duplicateArtifact(name: "app")) {
            try artifacts([
                message(files: ["/build/target/release/app"]),
                message(files: ["/build/target/x86_64-unknown-linux-musl/release/app"]),
            ])
        }
    }

    @Test func `a message about an artifact that is cut off is refused`() {
        for cut in [35, 60, 120] {
            #expect(throws: ToolchainError.unreadableMessage) {
                try artifacts([String(message(files: ["/build/target/release/app"]).prefix(cut))])
            }
        }
        #expect(throws: ToolchainError.unreadableMessage) {
            try artifacts([#"{"reason":"compiler-artifact","reason":"x"}"#])
        }
    }

    @Test func `messages of odd shapes are passed over`() throws {
        #expect(
            try artifacts([
                #"{"reason":"compiler-artifact"}"#, #"{"reason":"compiler-artifact","package_id":1,"filenames":{}}"#,
                #"{"reason":"compiler-artifact","package_id":"path+file:///build/source#a","target":[],"filenames":["x"]}"#,
                #"{"reason":"compiler-message","#,
            ]).isEmpty)
    }

    @Test func `what people print is shown`() {
        var reader = CargoMessages()
        for line in ["hello", "{", "{\"a\": 1}", "", " {\"reason\":\"compiler-artifact\"}", "{\"reason\": \"x\"}"] {
            #expect(show(line, to: &reader, from: .stdout) == line)
        }
        #expect([0xFF, 0x61].withUnsafeBytes { reader.read(line: $0, from: .stderr) } != nil)
    }
}
