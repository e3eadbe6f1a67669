import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// Go compiles what it is given and runs none of it. Here is every way in which a project could have it otherwise.
    @Suite(.enabled("the Go corpus cannot be made") { await GoCorpus.isAvailable })
    struct GoAttackTests {
        /// Says that it was run, and ends whatever ran it.
        private static let trap = "#!/bin/sh\necho RAN \"$0\" \"$@\" >&2\nexit 1\n"
        /// Names by which the build runs programs, and two for whom the files below name.
        private static let traps = [
            "go", "gcc", "cc", "compile", "asm", "link", "git", "trap", "trap-linker", "pkg/tool/linux_amd64/compile",
        ]

        private static let files = [
            "go.mod": "module example.com/attack\n\ngo 1.19\n\ntoolchain go1.99.0\n\ntool example.com/attack/tool\n",
            // The toolchain has such a file in its own root.
            "go.env": """
            GOFLAGS=-toolexec=/build/source/trap
            CC=/build/source/trap
            CGO_ENABLED=1
            GOTOOLCHAIN=path

            """,
            "go.work": "go 1.19\n\nuse .\nuse ./other\n",
            "other/go.mod": "module example.com/other\n",
            "other/other.go": "package other\n\nimport \"nowhere.example/needed\"\n",
            "main.go": """
            package main

            //go:generate /build/source/trap generate

            import (
            	_ "example.com/attack/native"
            	_ "unsafe"
            )

            //go:linkname nanotime runtime.nanotime
            func nanotime() int64

            func init() { println("RAN init") }

            func main() { println("RAN main", nanotime()) }

            """,
            "stub.s": "",
            "main_test.go": """
            package main

            import "testing"

            func TestMain(m *testing.M) { println("RAN tests") }

            """,
            "tool/main.go": "package main\n\nfunc main() { println(\"RAN tool\") }\n",
            "native/native.go": "package native\n",
            "native/cgo.go": """
            package native

            // #cgo CFLAGS: -B/build/source
            // #cgo LDFLAGS: -fuse-ld=/build/source/trap-linker
            import "C"

            """,
        ]

        @Test func `a project that would have Go run its own programs is built without them`() async throws {
            let scratch = try ScratchFolder()
            let traps = Dictionary(uniqueKeysWithValues: Self.traps.map { ($0, Self.trap) })
            let project = try scratch.write(Self.files.merging(traps) { $1 }, to: "attack")
            for name in Self.traps {
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o755], ofItemAtPath: project.appending(FilePath(name).components).string)
            }
            try await Service.run(environment: GoCorpus.environment) { service in
                let stream = try await service.build(folder: project)
                let output = stream.messages.joined(separator: "\n")
                #expect(stream.result?["status"] == "success", "\(output)")
                #expect(!output.contains("RAN"), "\(output)")
                let names = stream.result?["artifacts"]?.arrayValue?.compactMap { $0["name"]?.stringValue }
                #expect(names == ["attack", "tool"])

                for (file, text, complaint) in [
                    // Another toolchain than the operator's.
                    ("go.mod", "module example.com/attack\n\ngo 1.99\n", "GOTOOLCHAIN=local"),
                    // Options for the linker.
                    (
                        "main.go", "package attack\n\n//go:cgo_ldflag \"-fuse-ld=/build/source/trap-linker\"\n",
                        "only allowed in cgo-generated code"
                    ),
                ] {
                    var files = ["go.mod": "module example.com/attack\n", "main.go": "package attack\n"]
                    files[file] = text
                    let stream = try await service.build(files)
                    #expect(stream.result?["error_type"] == "BuildFailedError")
                    #expect(stream.messages.contains { $0.contains(complaint) }, "\(stream.messages)")
                }
                // Options for Go itself.
                for setting in [
                    "packages = [\"-toolexec=/build/source/trap\"]", "features = [\"x -toolexec=/build/source/trap\"]",
                ] {
                    let stream = try await service.build([
                        "go.mod": "module example.com/attack\n", "main.go": "package attack\n", "kettle.toml": setting,
                    ])
                    #expect(stream.result?["code"] == "toolchain.malformed_file", "\(stream.messages)")
                }
            }
        }
    }
}
