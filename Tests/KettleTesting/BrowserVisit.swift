import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

extension Browser {
    /// Opens a page of a service and drives it by a script, as a person would who sits before it.
    ///
    /// The browser gets everything by way of a small server of the test's, on one origin, which adds the script to the page and
    /// nothing else: headers, the policy among them, are the service's. The script says what it sees with `say(line)`, gets
    /// the test's files with `await file(name)`, and can wait for the test with `await signal(name)`.
    ///
    /// - Parameters:
    ///   - path: The page's, such as `/verify`.
    ///   - files: By name.
    ///   - onLine: Told each line, in order; false ends the visit. An uncaught error comes as `uncaught: …`, and ends it too.
    /// - Returns: The lines, and the paths that were asked of the service.
    package static func visit(
        _ path: String, of service: Service, files: [String: [UInt8]] = [:], script: String,
        onLine: @escaping @Sendable (String, Signals) async throws -> Bool
    ) async throws -> (lines: [String], paths: [String]) {
        let (lines, line) = AsyncStream<String>.makeStream()
        let signals = Signals()
        let paths = Mutex<[String]>([])
        let router = Router()
        router.post("/test/line") { request, _ -> HTTPResponse.Status in
            line.yield(String(buffer: try await request.body.collect(upTo: 64 << 20)))
            return .noContent
        }
        router.get("/test/script.js") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/javascript; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: "\(preparation)\n(async () => {\n\(script)\n})();")))
        }
        router.get("/test/files/:name") { _, context -> Response in
            guard let bytes = try files[context.parameters.require("name")] else { throw HTTPError(.notFound) }
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        }
        router.get("/test/signals/:name") { _, context -> Response in
            await signals.wait(for: try context.parameters.require("name"))
            return Response(status: .noContent)
        }
        router.get("/**") { request, _ -> Response in
            let target = request.uri.string
            paths.withLock { $0.append(target) }
            let answer = try await service.get(target)
            var headers = HTTPFields()
            for (name, value) in answer.headers {
                guard let name = HTTPField.Name(name), name != .contentLength, name != .transferEncoding else {
                    continue
                }
                headers.append(HTTPField(name: name, value: value))
            }
            var text = answer.body
            if answer["Content-Type"]?.hasPrefix("text/html") == true {
                let own = "<script src=\"/test/script.js\" defer></script></head>"
                text = Array(answer.text.replacing("</head>", with: own).utf8)
            }
            return Response(
                status: .init(code: answer.status), headers: headers,
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: text)))
        }
        return try await LoopbackServer.run(router) { port in
            try await withThrowingTaskGroup(of: [String].self) { group in
                let profile = try ScratchFolder()
                group.addTask {
                    let ended = try await Command.run(
                        program ?? "chromium", options(profile) + ["http://127.0.0.1:\(port)\(path)"])
                    throw CommandFailed(program: "chromium", ended: ended)
                }
                group.addTask {
                    var said: [String] = []
                    for await one in lines {
                        said.append(one)
                        if one.hasPrefix("uncaught: ") { break }
                        if try await !onLine(one, signals) { break }
                    }
                    return said
                }
                // The visit's end kills the browser.
                let said = try await group.next() ?? []
                group.cancelAll()
                signals.sendAll()
                return (said, paths.withLock { $0 })
            }
        }
    }

    /// What a test tells a page, by name: once, and for all that ask for it before or after.
    package final class Signals: Sendable {
        private struct State {
            var sent: Set<String> = []
            var isOver = false
            var waiting: [(name: String, continuation: CheckedContinuation<Void, Never>)] = []
        }

        private let state = Mutex(State())

        package func send(_ name: String) {
            let ready = state.withLock { state in
                state.sent.insert(name)
                let ready = state.waiting.filter { $0.name == name }
                state.waiting.removeAll { $0.name == name }
                return ready
            }
            for one in ready { one.continuation.resume() }
        }

        fileprivate func sendAll() {
            let ready = state.withLock { state in
                state.isOver = true
                defer { state.waiting = [] }
                return state.waiting
            }
            for one in ready { one.continuation.resume() }
        }

        fileprivate func wait(for name: String) async {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.isOver || state.sent.contains(name) { return true }
                    state.waiting.append((name, continuation))
                    return false
                }
                if isReady { continuation.resume() }
            }
        }
    }

    /// What the script has at hand. It stands in a file, since the page's policy refuses one in the page.
    private static let preparation = """
        let said = Promise.resolve();
        const say = line => said = said.then(() => fetch('/test/line', {
          method: 'POST', body: typeof line === 'string' ? line : JSON.stringify(line) }));
        addEventListener('error', event => say('uncaught: ' + event.message));
        addEventListener('unhandledrejection', event => say('uncaught: ' + event.reason));
        addEventListener('securitypolicyviolation', event => say('uncaught: refused ' + event.violatedDirective));
        const signal = name => fetch('/test/signals/' + name);
        const file = async name => {
          const response = await fetch('/test/files/' + encodeURIComponent(name));
          return new File([await response.blob()], name);
        };
        // Puts files into a field, as choosing them does.
        const choose = (id, ...files) => {
          const transfer = new DataTransfer();
          for (const one of files) transfer.items.add(one);
          const field = document.getElementById(id);
          field.files = transfer.files;
          field.dispatchEvent(new Event('change', { bubbles: true }));
        };
        // The first element that a selector finds, once there is one for which `is` holds.
        const element = (selector, is = () => true) => new Promise(resolve => {
          const look = () => {
            const found = document.querySelector(selector);
            if (!found || !is(found)) return false;
            resolve(found);
            return true;
          };
          if (look()) return;
          const observer = new MutationObserver(() => { if (look()) observer.disconnect(); });
          observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
        });
        """
}
