import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// The pages by the rules of WCAG 2.2 AA, as far as a program can tell: axe-core, which PyPI carries.
    @Suite(.enabled(if: WebDriver.isInstalled, "Chromium and its driver are not installed"))
    struct PageAccessibilityTests {
        @Test func `axe finds nothing on any page, light or dark, wide or narrow`() async throws {
            let axe = try await Self.axe()
            let scratch = try ScratchFolder()
            let source = try await Command.packed(scratch.write(Projects.hello, to: "p"), as: "hello.zip")
            try await Service.run { service in
                let build = try #require(try await service.build(FormData(source: source)).buildID)
                let failed = try #require(
                    try await service.build(
                        FormData(
                            source: try await Command.packed(scratch.write(Projects.unsupported, to: "u"), as: "u.zip"))
                    ).buildID)
                try await WebDriver.run { browser in
                    let pages = [
                        "", "builds", "builds/\(build)", "builds/\(failed)",
                        "builds/\(String(repeating: "0", count: 24))", "verify",
                    ]
                    for (scheme, width) in [("light", 1200), ("dark", 1200), ("light", 360)] {
                        try await browser.devTools(
                            "Emulation.setEmulatedMedia",
                            ["features": [["name": "prefers-color-scheme", "value": .string(scheme)]]])
                        try await browser.devTools(
                            "Emulation.setDeviceMetricsOverride",
                            ["width": .integer(Int64(width)), "height": 800, "deviceScaleFactor": 1, "mobile": false])
                        for page in pages {
                            try await browser.open("\(service.address)/\(page)")
                            if page == "builds/\(build)" { try await browser.wait(for: "#build[data-followed]") }
                            let found = try await browser.execute(
                                axe + """
                                    ;document.querySelectorAll('details').forEach(details => { details.open = true; });
                                    return axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
                                      .then(result => result.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).join(' | ')));
                                    """)
                            #expect(found == [], "/\(page), \(scheme), \(width) pixels wide")
                            // Nothing of it lies beyond the edge of a phone.
                            let overflow = try await browser.execute(
                                "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
                            #expect(overflow == 0, "/\(page), \(width) pixels wide")
                            let name = page.isEmpty ? "home" : page == "builds/\(build)" ? "build" : page
                            try await browser.keepScreenshot(
                                "\(scheme)-\(width)-\(name.replacing("/", with: "-").prefix(16))")
                        }
                    }
                }
            }
        }

        private static func axe() async throws -> String {
            let folder = try await Command.run(
                "bash",
                [
                    "-c", "cd \"$0\" && source bin/setup && python_environment axe axe-playwright-python==0.1.8",
                    Corpus.checkout.string,
                ])
            guard folder.status == 0 else { throw CommandFailed(program: "pip", ended: folder) }
            let environment = Corpus.checkout.appending(
                FilePath(folder.output.trimmingCharacters(in: .whitespacesAndNewlines)).components)
            let library = environment.appending("lib").string
            let python = try #require(FileManager.default.contentsOfDirectory(atPath: library).first)
            return try String(
                contentsOfFile: "\(library)/\(python)/site-packages/axe_playwright_python/axe.min.js", encoding: .utf8)
        }
    }
}
