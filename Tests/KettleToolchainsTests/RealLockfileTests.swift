import Foundation
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

/// Lockfiles that the real tools wrote, for projects of the world.
@Suite struct RealLockfileTests {
    private static let repositories = [
        (address: "https://github.com/HdrHistogram/hdrhistogram-swift", version: 2, pins: 3),
        ("https://github.com/google/swift-benchmark", 1, 1),
        ("https://github.com/pointfreeco/swift-custom-dump", 3, 1), ("https://github.com/stencilproject/Stencil", 1, 2),
    ]

    @Test(
        .enabled("the packages cannot be cloned") {
            await (try? Command.run("git", ["ls-remote", "https://github.com/stencilproject/Stencil"]))?.status == 0
        }, arguments: repositories)
    func `the pins of Swift packages are read`(address: String, version: Int, pins: Int) async throws {
        let scratch = try ScratchFolder()
        let folder = scratch.path.appending("package")
        let cloned = try await Command.run("git", ["clone", "--quiet", "--depth", "1", address, folder.string])
        guard cloned.status == 0 else { throw CommandFailed(program: "git clone", ended: cloned) }
        let bytes = try Data(contentsOf: URL(filePath: folder.appending("Package.resolved").string))
        let resolved = try PackageResolved(parsing: Array(bytes))
        #expect(resolved.pins.count >= pins)
        for pin in resolved.pins {
            // SwiftPM's own rule, by which version 1 has no other name for a package.
            #expect(SwiftPin.identity(of: pin.location) == pin.identity)
            #expect(pin.packageURL.hasPrefix("pkg:swift/github.com/"))
        }
    }

    @Test func `Kettle's own pins are read`() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Package.resolved")
        let pins = try PackageResolved(parsing: Array(Data(contentsOf: file))).pins
        let subprocess = try #require(pins.first { $0.identity == "swift-subprocess" })
        #expect(subprocess.packageURL.hasPrefix("pkg:swift/github.com/swiftlang/swift-subprocess@"))
        #expect(pins.count > 20)
    }

    @Test func `the inputs of a formatter's flake are read`() throws {
        let file = EvidenceVector.root.appending(path: "bundle/alejandra/flake.lock")
        let lock = try FlakeLock(parsing: Array(Data(contentsOf: file)))
        #expect(lock.inputs.map(\.name) == ["fenix", "flakeCompat", "nixpkgs", "rust-analyzer-src"])
        #expect(lock.dependencies["fenix"] == ["rust-analyzer-src"])
        #expect(lock.inputs.first?.packageURL.hasPrefix("pkg:github/nix-community/fenix@") == true)
    }
}
