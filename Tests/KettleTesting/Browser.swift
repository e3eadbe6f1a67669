import Foundation
import Hummingbird
import NIOCore
import Synchronization
import SystemPackage

/// Headless Chromium on a page of the test's own.
package enum Browser {
    /// Where Chromium is, under one of the names that distributions give it.
    package static var program: String? {
        ["chromium", "chromium-browser", "google-chrome"].first(where: Command.isInstalled)
    }

    package static var isInstalled: Bool { program != nil }

    /// Runs a module script in a page and returns what it wrote with `console.log`, one string for each call.
    ///
    /// The page stands on an origin of its own. Relative addresses in the script are relative to `base`, as they are for a page
    /// that the service itself serves, so requests go to another origin and need its consent (CORS).
    ///
    /// - Parameters:
    ///   - preparation: A script that runs before.
    ///   - isLast: Whether a line ends the visit. An uncaught error ends it too, as the line `uncaught: …`.
    package static func run(
        _ script: String, base: String, preparation: String = "", until isLast: @escaping @Sendable (String) -> Bool
    ) async throws -> [String] {
        let visit = Visit()
        @Sendable func isTheEnd(_ line: String) -> Bool { isLast(line) || line.hasPrefix("uncaught: ") }
        let router = Router()
        router.get("/") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/html; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: page(script, base, preparation))))
        }
        router.post("/line") { request, context -> HTTPResponse.Status in
            let body = try await request.body.collect(upTo: 16 << 20)
            visit.lines.withLock { $0.append(String(buffer: body)) }
            return .noContent
        }
        return try await LoopbackServer.run(router) { port in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let profile = try ScratchFolder()
                group.addTask {
                    let ended = try await Command.run(
                        program ?? "chromium", options(profile) + ["http://127.0.0.1:\(port)/"])
                    throw CommandFailed(program: "chromium", ended: ended)
                }
                group.addTask {
                    try await eventually { visit.lines.withLock { $0.contains(where: isTheEnd) } }
                }
                // The first to end is the visit, unless the browser failed; the other is cancelled, which kills it.
                try await group.next()
                group.cancelAll()
                return visit.lines.withLock { $0 }
            }
        }
    }

    static func options(_ profile: ScratchFolder) -> [String] {
        [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-extensions", "--disable-background-networking", "--remote-debugging-port=0",
            "--user-data-dir=\(profile.path.string)",
        ]
    }

    /// What the page has said so far.
    private final class Visit: Sendable {
        let lines = Mutex<[String]>([])
    }

    /// Lines go to the page's own server one after the other, so that they arrive in order.
    private static func page(_ script: String, _ base: String, _ preparation: String) -> String {
        """
        <!doctype html>
        <meta charset="utf-8">
        <base href="\(base)/">
        <script>
        let said = Promise.resolve();
        const own = location.origin + '/line';
        const say = line => { said = said.then(() => fetch(own, { method: 'POST', body: line })); };
        console.log = (...values) => say(
            values.map(value => typeof value === 'string' ? value : JSON.stringify(value)).join(' '));
        addEventListener('error', event => say('uncaught: ' + event.message));
        addEventListener('unhandledrejection', event => say('uncaught: ' + event.reason));
        \(preparation)
        </script>
        <script type="module">
        \(script)
        </script>
        """
    }
}
