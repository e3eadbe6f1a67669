import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// What Git LFS asks of a server to download (Git LFS API, "Batch API" and "Basic Transfers").
struct LFSServer: Sendable {
    /// By the SHA-256 that they are asked for, which need not be theirs.
    let objects: [String: String]

    private struct BatchRequest: Decodable {
        struct Object: Decodable {
            var oid: String
            var size: Int
        }
        var objects: [Object]
    }

    /// The answer to a request of git-lfs; nil for any other.
    func answer(_ request: Request) async throws -> Response? {
        if request.uri.path.hasSuffix("/info/lfs/objects/batch") { return try await batch(request) }
        guard request.uri.path.hasPrefix("/lfs-objects/") else { return nil }
        guard let content = objects[String(request.uri.path.dropFirst("/lfs-objects/".count))] else {
            return Response(status: .notFound)
        }
        return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: content)))
    }

    private func batch(_ request: Request) async throws -> Response {
        let body = try await request.body.collect(upTo: 1 << 20)
        let batch = try JSONDecoder().decode(BatchRequest.self, from: Data(body.readableBytesView))
        let host = request.head.authority ?? ""
        let answers = batch.objects.map { object -> [String: Any] in
            var answer: [String: Any] = ["oid": object.oid, "size": object.size]
            if objects[object.oid] == nil {
                answer["error"] = ["code": 404, "message": "Object does not exist"]
            } else {
                answer["actions"] = ["download": ["href": "http://\(host)/lfs-objects/\(object.oid)"]]
            }
            return answer
        }
        let answer: [String: Any] = ["transfer": "basic", "objects": answers]
        return Response(
            status: .ok, headers: [.contentType: "application/vnd.git-lfs+json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try JSONSerialization.data(withJSONObject: answer))))
    }
}
