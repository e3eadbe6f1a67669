extension OpenAPIDocument {
    /// The routes that answer with a file.
    static var filePaths: String {
        let files = [
            File("/builds/{id}/artifacts/{name}", "Artifact", "An artifact", "application/octet-stream"),
            File("/builds/{id}/build-config/{name}", "BuildConfig", "The lockfile", "text/plain"),
            File(
                "/builds/{id}/provenance.json", "Provenance", "The statement, exactly the bytes that were attested",
                "application/json", isKept: true),
            File("/builds/{id}/evidence.json", "Evidence", "The evidence", "application/json", isKept: true),
            File(
                "/builds/{id}/sbom.cdx.json", "BillOfMaterials", "The bill of materials, CycloneDX 1.6",
                "application/vnd.cyclonedx+json"),
            File("/builds/{id}/build.log", "Log", "The build's raw output", "text/plain"),
            File(
                "/builds/{id}/bundle.zip", "BundleZip", "Everything that `kettle verify` needs, as ZIP",
                "application/zip"),
            File("/builds/{id}/bundle.tar.gz", "BundleTar", "The same as a gzip tarball", "application/gzip"),
            File(
                "/build/{id}/result", "Result", "The bundle in the later published form, once the build has succeeded",
                "application/gzip"),
            File(
                "/artifacts/sha256/{digest}", "ArtifactByDigest", "An artifact by what it is, whichever build made it",
                "application/octet-stream"),
        ]
        return files.map(\.path).joined(separator: ",\n")
    }

    /// One file that is served, whole or in parts.
    private struct File {
        let route: String
        let name: String
        let summary: String
        let mediaType: String
        /// Whether it stays when retention takes the rest of its build.
        let isKept: Bool

        init(_ route: String, _ name: String, _ summary: String, _ mediaType: String, isKept: Bool = false) {
            self.route = route
            self.name = name
            self.summary = summary
            self.mediaType = mediaType
            self.isKept = isKept
        }

        /// The member of `paths`.
        var path: String {
            let parameters = ["{id}": "BuildID", "{name}": "FileName", "{digest}": "Digest"]
                .filter { route.contains($0.key) }.values.sorted()
                .map { ##"{"$ref": "#/components/parameters/\##($0)"}"## }.joined(separator: ", ")
            return #"""
                "\#(route)": {
                  "parameters": [\#(parameters)],
                  "get": {
                    "operationId": "get\#(name)",
                    "tags": ["files"],
                    "summary": "\#(summary)",
                    "parameters": [
                      {"$ref": "#/components/parameters/Range"},
                      {"$ref": "#/components/parameters/IfRange"},
                      {"$ref": "#/components/parameters/IfNoneMatch"}
                    ],
                    "responses": {
                      "200": {"description": "The file", \#(headers()), "content": {\#(content)}},
                      "206": {
                        "description": "The part that Range names",
                        \#(headers(["Content-Range"])),
                        "content": {"\#(mediaType)": {}}
                      },
                      \#(otherAnswers),
                      "416": {"$ref": "#/components/responses/NoSuchRange"}
                    }
                  },
                  "head": {
                    "operationId": "get\#(name)Head",
                    "tags": ["files"],
                    "summary": "\#(summary) (headers only)",
                    "parameters": [{"$ref": "#/components/parameters/IfNoneMatch"}],
                    "responses": {
                      "200": {"description": "The file", \#(headers()), "content": {"\#(mediaType)": {}}},
                      \#(otherAnswers)
                    }
                  }
                }
                """#
        }

        private var content: String {
            mediaType.hasSuffix("json") ? #""\#(mediaType)": {"schema": {"type": "object"}}"# : #""\#(mediaType)": {}"#
        }

        private var otherAnswers: String {
            let pruned = isKept ? "" : ##""410": {"$ref": "#/components/responses/Pruned"},"##
            return #"""
                "304": {"$ref": "#/components/responses/NotModified"},
                "401": {"$ref": "#/components/responses/Unauthorized"},
                "404": {"$ref": "#/components/responses/NotFound"},
                \#(pruned)
                "429": {"$ref": "#/components/responses/TooMany"},
                "503": {"$ref": "#/components/responses/Unavailable"}
                """#
        }

        private func headers(_ more: [String] = []) -> String {
            let names =
                more + [
                    "Content-Length", "Content-Disposition", "ETag", "Repr-Digest", "Accept-Ranges", "Cache-Control",
                    "X-Request-Id",
                ]
            let members = names.map { ##""\##($0)": {"$ref": "#/components/headers/\##($0)"}"## }
            return #""headers": {\#(members.joined(separator: ", "))}"#
        }
    }
}
