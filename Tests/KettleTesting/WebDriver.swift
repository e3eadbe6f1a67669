import AsyncHTTPClient
import Foundation
package import KettleProvenance
import NIOCore
import NIOHTTP1
import SystemPackage

/// Chromium on a page that a service serves, driven as a person would drive it (W3C WebDriver, by chromedriver).
package struct WebDriver: Sendable {
    package struct Failed: Error, CustomStringConvertible {
        package var description: String
    }

    package static var isInstalled: Bool { Browser.isInstalled && Command.isInstalled("chromedriver") }

    /// `http://127.0.0.1:PORT/session/ID`
    private let session: String

    /// Runs one browser for as long as `body` takes.
    ///
    /// - Parameter otherName: A name that leads to this machine. To a browser, plain HTTP from there is another machine's.
    package static func run<Result>(
        size: (width: Int, height: Int) = (1200, 1000), otherName: String? = nil,
        _ body: (WebDriver) async throws -> Result
    ) async throws -> Result {
        let scratch = try ScratchFolder()
        let log = scratch.path.appending("chromedriver.log")
        return try await HelperProgram.run("/usr/bin/env", ["chromedriver", "--port=0"], log: log) {
            port(in: log) != nil
        } _: {
            let root = "http://127.0.0.1:\(port(in: log) ?? 0)"
            let arguments =
                [
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                    "--force-prefers-reduced-motion",
                    "--user-data-dir=\(scratch.path.appending("profile").string)",
                    "--window-size=\(size.width),\(size.height)",
                ] + (otherName.map { ["--host-resolver-rules=MAP \($0) 127.0.0.1"] } ?? [])
            let capabilities: JSONValue = [
                "capabilities": [
                    "alwaysMatch": [
                        "browserName": "chrome",
                        // In milliseconds. The driver's own half a minute is little for axe on a busy machine.
                        "timeouts": ["script": 300_000, "pageLoad": 300_000],
                        "goog:chromeOptions": ["args": .array(arguments.map(JSONValue.string))],
                    ]
                ]
            ]
            let made = try await send("POST", "\(root)/session", capabilities)
            guard let id = made["sessionId"]?.stringValue else { throw Failed(description: "no session") }
            let driver = WebDriver(session: "\(root)/session/\(id)")
            let outcome: Swift.Result<Result, any Error>
            do { outcome = .success(try await body(driver)) } catch { outcome = .failure(error) }
            // Ends the browser, which would outlive its driver.
            _ = try? await send("DELETE", driver.session, nil)
            return try outcome.get()
        }
    }

    private static func port(in log: FilePath) -> Int? {
        contents(of: log.string).firstMatch(of: /started successfully on port ([0-9]+)/).flatMap { Int($0.1) }
    }

    // MARK: - What a person does

    package func open(_ address: String) async throws {
        try await command("POST", "url", ["url": .string(address)])
    }

    package var address: String {
        get async throws { try await command("GET", "url", nil).stringValue ?? "" }
    }

    /// Clicks on the first element of a CSS selector, which must be there to be clicked on.
    package func click(_ selector: String) async throws {
        try await command("POST", "element/\(element(selector))/click", [:])
    }

    /// Types into an element; for an input of files, chooses the file at that path.
    package func type(_ text: String, into selector: String) async throws {
        try await command("POST", "element/\(element(selector))/value", ["text": .string(text)])
    }

    // MARK: - What a person sees

    /// The text that an element shows; nil where there is no such element.
    package func text(_ selector: String) async throws -> String? {
        try await execute("return document.querySelector(arguments[0])?.innerText", .string(selector)).stringValue
    }

    /// Waits until an element shows what is looked for.
    package func wait(for selector: String, _ isMet: @escaping @Sendable (String) -> Bool = { _ in true }) async throws
    {
        try await eventually { try await text(selector).map(isMet) ?? false }
    }

    /// Runs a function's body in the page and waits for what it returns, promises too.
    @discardableResult
    package func execute(_ script: String, _ arguments: JSONValue...) async throws -> JSONValue {
        try await command("POST", "execute/sync", ["script": .string(script), "args": .array(arguments)])
    }

    /// What the browser says of the page's errors, one line each.
    package func errors() async throws -> [String] {
        let entries = try await command("POST", "se/log", ["type": "browser"]).arrayValue ?? []
        return entries.filter { $0["level"]?.stringValue == "SEVERE" }.compactMap { $0["message"]?.stringValue }
    }

    /// Writes a picture of the whole page as a PNG, into the folder that `KETTLE_SCREENSHOTS` names, where it names one.
    package func keepScreenshot(_ name: String) async throws {
        guard let folder = ProcessInfo.processInfo.environment["KETTLE_SCREENSHOTS"] else { return }
        let metrics = try await devTools("Page.getLayoutMetrics", [:])
        let size = metrics["cssContentSize"]
        let picture = try await devTools(
            "Page.captureScreenshot",
            [
                "captureBeyondViewport": true,
                "clip": [
                    "x": 0, "y": 0, "scale": 1, "width": size?["width"] ?? 1200, "height": size?["height"] ?? 1000,
                ],
            ])
        guard let data = picture["data"]?.stringValue.flatMap({ Data(base64Encoded: $0) }) else {
            throw Failed(description: "no picture")
        }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try data.write(to: URL(filePath: folder).appending(path: "\(name).png"))
    }

    /// A command of the Chrome DevTools protocol.
    @discardableResult
    package func devTools(_ name: String, _ parameters: JSONValue) async throws -> JSONValue {
        try await command("POST", "goog/cdp/execute", ["cmd": .string(name), "params": parameters])
    }

    // MARK: - Protocol

    private func element(_ selector: String) async throws -> String {
        let found = try await command("POST", "element", ["using": "css selector", "value": .string(selector)])
        // The name of the member is the protocol's (WebDriver, section 12.1).
        guard let id = found["element-6066-11e4-a52e-4f735466cecf"]?.stringValue else {
            throw Failed(description: "no element \(selector)")
        }
        return id
    }

    @discardableResult
    private func command(_ method: String, _ path: String, _ body: JSONValue?) async throws -> JSONValue {
        try await Self.send(method, "\(session)/\(path)", body)
    }

    /// - Returns: The member `value` of the answer.
    private static func send(_ method: String, _ address: String, _ body: JSONValue?) async throws -> JSONValue {
        var request = HTTPClientRequest(url: address)
        request.method = .init(rawValue: method)
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body.canonicalBytes()))
        }
        let answer = try await HTTPClient.shared.execute(request, timeout: .minutes(10))
        let bytes = try await Array(answer.body.collect(upTo: 64 << 20).readableBytesView)
        let value = try JSONValue(parsing: bytes, maximumBytes: 64 << 20)["value"] ?? .null
        guard answer.status == .ok else {
            throw Failed(description: value["message"]?.stringValue ?? "\(address): \(answer.status)")
        }
        return value
    }
}
