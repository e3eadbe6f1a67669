import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

/// The packages that a service keeps on its disk for later builds.
struct KeptPackages: Equatable {
    private let folder: FilePath
    private let contents: [String: Data]

    var count: Int { contents.count }

    /// - Parameter name: The store's folder: `node-packages`.
    init(of service: Service, _ name: String) throws {
        folder = service.dataFolder.appending("cache").appending(name)
        var contents: [String: Data] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder.string) {
            // npm's store also has empty files, which are notes.
            let content = FileManager.default.contents(atPath: "\(folder)/\(path)") ?? Data()
            if !content.isEmpty { contents[path] = content }
        }
        self.contents = contents
    }

    /// Changes a byte of every one, as whoever gets at the disk could.
    func alter() throws {
        for (path, content) in contents {
            let file = "\(folder)/\(path)"
            try FileManager.default.removeItem(atPath: file)
            try (content.dropLast() + [(content.last ?? 0) ^ 1]).write(to: URL(filePath: file))
        }
    }
}

extension Service {
    /// Builds from a repository of one commit with a copy of a folder.
    func build(_ folder: FilePath, from repositories: GitRepositories) async throws -> ServerSentEvents {
        let repository = try await repositories.make(folder.lastComponent?.string ?? "project", copying: folder)
        return try await build(FormData(fields: ["repo_url": repository.url]))
    }
}

extension ScratchFolder {
    /// A copy of a project with one of its files changed.
    func copy(_ project: FilePath, changing file: String, _ change: (String) -> String) throws -> FilePath {
        let copy = path.appending("\(project.lastComponent?.string ?? "project")-\(UUID().uuidString)")
        try FileManager.default.copyItem(atPath: project.string, toPath: copy.string)
        let changed = URL(filePath: copy.appending(FilePath(file).components).string)
        let text = try String(contentsOf: changed, encoding: .utf8)
        try #require(change(text) != text)
        try Data(change(text).utf8).write(to: changed)
        return copy
    }
}

/// The build ended because of its inputs, and said which one, before it ran anything of the project.
func expectRefusal(
    _ stream: ServerSentEvents, _ code: String, naming package: String, _ location: SourceLocation = #_sourceLocation
) throws {
    #expect(stream.isWhole(), sourceLocation: location)
    let result = try #require(stream.result, sourceLocation: location)
    #expect(result["status"] == "failed", sourceLocation: location)
    #expect(result["error_type"] == "DependencyError", sourceLocation: location)
    #expect(result["code"]?.stringValue == code, "\(result)", sourceLocation: location)
    #expect(result["error"]?.stringValue?.contains(package) == true, "\(result)", sourceLocation: location)
    #expect(!stream.events.contains { $0.data["phase"] == "build" }, sourceLocation: location)
}
