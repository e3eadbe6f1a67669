import KettleTesting
import SystemPackage
import Testing

@testable import KettleSource

@Suite struct SourceLinksTests {
    private func path(_ text: String) throws -> SourcePath {
        try #require(try SourcePath(checking: Array(text.utf8), within: .standard))
    }

    @Test(arguments: [
        ("a/b/link", "../../..", false), ("a/b/link", "../..", true), ("link", "..", false), ("link", ".", true),
        ("a/link", "./././../c/../..", false), ("a/link", "missing/../../x", true), ("a/link", "link/../../..", true),
    ])
    func `a link stays inside or is refused`(name: String, target: String, stays: Bool) throws {
        var links = SourceLinks()
        try links.add(path(name), target: Array(target.utf8), within: .standard)
        if stays {
            try links.checkTargets(within: .standard)
        } else {
            #expect(throws: SourceError.linkEscapesTree(path: name, target: target)) {
                try links.checkTargets(within: .standard)
            }
        }
    }

    @Test func `a link that another one shortens is refused`() throws {
        var links = SourceLinks()
        // Harmless by its words, three folders deep; but `a/b/c` is the root.
        try links.add(path("x"), target: Array("a/b/c/..".utf8), within: .standard)
        try links.add(path("a/b/c"), target: Array("../..".utf8), within: .standard)
        #expect(throws: SourceError.linkEscapesTree(path: "x", target: "a/b/c/..")) {
            try links.checkTargets(within: .standard)
        }
    }

    @Test func `links that multiply each other's ways are refused before they cost time`() throws {
        let limits = SourceLimits(linkSteps: 100_000)
        var links = SourceLinks()
        for number in 0..<39 {
            let target = String(repeating: "l\(number + 1)/", count: 1000)
            try links.add(path("l\(number)"), target: Array(target.utf8), within: limits)
        }
        #expect(throws: SourceError.linkStepsExceeded(limit: 100_000)) { try links.checkTargets(within: limits) }
    }

    @Test func `what links keep in memory counts as bytes of the source`() throws {
        let scratch = try ScratchFolder()
        let writer = try TreeWriter(creating: scratch.path.appending("tree"), within: SourceLimits(bytes: 10_000))
        let target = [UInt8](repeating: UInt8(ascii: "a"), count: 4000)
        try writer.addLink(path("one"), target: target)
        try writer.addLink(path("two"), target: target)
        #expect(throws: SourceError.tooLarge(limitInBytes: 10_000)) {
            try writer.addLink(path("three"), target: target)
        }
        writer.discard()
    }
}
