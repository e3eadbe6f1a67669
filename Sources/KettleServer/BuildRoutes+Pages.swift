import HTTPTypes
import Hummingbird
import KettleAttestation
import KettleBuild
import KettleProvenance
import KettleStore
import NIOPosix
import SystemPackage

/// The pages for people: the same routes as for programs, told apart by what a request accepts.
extension BuildRoutes {
    /// `GET /`.
    func home(_ request: Request, _ context: KettleRequestContext) throws -> Response {
        struct Home {
            var signer: String
            var address: String
            var toolchains: [String]
            var takesTokens: Bool
        }
        let home = Home(
            signer: PlatformWords(builds.configuration.attester?.platform).signer,
            address: address(of: request),
            toolchains: builds.configuration.readyToolchains,
            takesTokens: takesTokens)
        return try WebPage(
            title: "Build", place: .home, main: try PageTemplates.render("home.mustache", home),
            scripts: ["home.js"]
        ).response(to: request)
    }

    /// A page of the list of builds.
    func listPage(_ request: Request, _ records: [BuildRecord], next: BuildID?) throws -> Response {
        struct Item {
            var id: String
            var state: String
            var position: Int?
            var source: String
            var ref: String?
            var toolchain: String?
            var createdAt: String
            var duration: String?
        }
        struct List {
            var builds: [Item]
            var hasBuilds: Bool
            var isLater: Bool
            var next: String?
            var takesTokens: Bool
        }
        let items = records.map { record in
            let place = builds.running(record.id)?.place
            return Item(
                id: record.id.hex, state: place == nil ? record.state.rawValue : "queued", position: place,
                source: PrintableText.make(from: record.source), ref: record.ref.map(PrintableText.make),
                toolchain: record.buildSystem, createdAt: BuildTime(milliseconds: record.createdAt).timestamp.text,
                duration: record.duration)
        }
        let list = List(
            builds: items, hasBuilds: !items.isEmpty, isLater: request.uri.queryParameters["before"] != nil,
            next: next?.hex, takesTokens: takesTokens)
        return try WebPage(
            title: "Builds", place: .builds, main: try PageTemplates.render("builds.mustache", list),
            scripts: ["builds.js"]
        ).response(to: request)
    }

    /// The page of one build.
    func buildPage(_ request: Request, _ record: BuildRecord) async throws -> Response {
        let files = try await builds.store.files(of: record.id).filter { $0.category == .record && !$0.isPruned }
        func path(_ name: String) -> FilePath? {
            files.first { $0.name == name }.map { builds.store.folder.build(record.id).appending($0.location) }
        }
        let (bill, log) = (path(SoftwareBillOfMaterials.fileName), path("build.log"))
        let place = builds.running(record.id)?.place
        let address = address(of: request)
        let page = try await builds.threads.runIfActive { [takesTokens] in
            BuildPage(
                of: record, isQueued: place != nil, address: address, takesTokens: takesTokens,
                graph: bill.flatMap(BuildPage.graph), logTail: log.flatMap(BuildPage.tail))
        }
        return try WebPage(
            title: "\(page.state): \(page.source)", place: .builds,
            main: try PageTemplates.render("build.mustache", page), scripts: ["build.js"], depth: 1
        ).response(to: request)
    }

    /// `GET /builds/:id/badge.svg`: a picture for the pages of others.
    func badge(_ request: Request, _ context: KettleRequestContext) async throws -> Response {
        let record = try await existing(context)
        // By the files: the result has thousands of inputs, and anybody asks for badges.
        let evidence = try await builds.store.file(of: record.id, .record, named: "evidence.json")
        let badge = BuildBadge(state: record.state, isSigned: evidence != nil)
        let picture = Array(badge.svg.utf8)
        var response = WebPage.unchanging(picture, ContentDigest(of: picture), "image/svg+xml", to: request)
        // Whoever shows it asks again; the caches of forges keep it for a while all the same.
        response.headers[.cacheControl] = "no-cache"
        response.headers[.contentSecurityPolicy] = "default-src 'none'; style-src 'unsafe-inline'"
        return response
    }

    /// Answers with a page at its own address, and where it cannot be shown with a page that says why.
    ///
    /// - Parameter depth: How many folders below the root the address is.
    func page(_ request: Request, depth: Int, _ make: () async throws -> Response) async throws -> Response {
        if let redirect = WebPage.withoutSlash(request) { return redirect }
        do { return try await make() } catch let problem as ProblemDetails {
            return try troublePage(request, problem, depth: depth)
        }
    }

    private func troublePage(_ request: Request, _ problem: ProblemDetails, depth: Int) throws -> Response {
        struct Trouble {
            var title: String
            var detail: String
            var hint: String?
            var takesTokens: Bool
        }
        let title = problem.status.reasonPhrase
        let trouble = Trouble(
            title: title, detail: problem.detail, hint: problem.hint,
            takesTokens: takesTokens && problem.status != .badRequest)
        return try WebPage(
            title: title, main: try PageTemplates.render("trouble.mustache", trouble),
            scripts: takesTokens ? ["trouble.js"] : [], depth: depth
        ).response(to: request, status: problem.status)
    }

    /// Where the caller reached the service, for commands that people copy.
    private func address(of request: Request) -> String {
        if let publicURL { return publicURL }
        let authority = request.head.authority ?? ""
        let isPlain = authority.utf8.allSatisfy {
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
                || "-.:[]".utf8.contains($0)
        }
        guard isPlain, !authority.isEmpty else { return "https://SERVICE" }
        return (isSecure ? "https://" : "http://") + authority
    }
}

extension BuildRecord {
    /// How long it took, for people; nil while it has not ended.
    var duration: String? {
        finishedAt.map { end in
            let milliseconds = max(0, end.subtractingReportingOverflow(createdAt).partialValue)
            let seconds = milliseconds / 1000
            return seconds < 60
                ? "\(seconds).\(milliseconds % 1000 / 100) s" : "\(seconds / 60) min \(seconds % 60) s"
        }
    }
}
