extension OpenAPIDocument {
    /// The pages for people, and their files.
    static let pagePaths = """
        "/": \(page("homePage", "A page from which to submit a build", ["text/html"])),
        "/builds/{id}/badge.svg": \(page(
            "getBadge", "The state of a build as a picture for other pages", ["image/svg+xml"],
            parameters: [##"{"$ref": "#/components/parameters/BuildID"}"##], isFound: false)),
        "/verify": \(page(
            "verifyPage", "A page that checks a bundle in the browser", ["text/html"], other: verify)),
        "/web/{version}/{name}": \(page(
            "webFile", "A file of the pages, for ever the same at this address", ["text/css", "text/javascript"],
            parameters: ["version", "name"].map {
                #"{"name": "\#($0)", "in": "path", "required": true, "schema": {"type": "string"}}"#
            }, isFound: false))
        """

    /// One path with a GET.
    ///
    /// - Parameters:
    ///   - types: Of what is there.
    ///   - parameters: JSON objects.
    ///   - isFound: Whether it is always there.
    ///   - other: The members for other methods.
    private static func page(
        _ operation: String, _ summary: String, _ types: [String], parameters: [String] = [], isFound: Bool = true,
        other: String = ""
    ) -> String {
        let content = types.map { #""\#($0)": {"schema": {"type": "string"}}"# }.joined(separator: ", ")
        let missing = isFound ? "" : ##""404": {"$ref": "#/components/responses/NotFound"},"##
        return #"""
            {
              "parameters": [\#(parameters.joined(separator: ", "))],\#(other)
              "get": {
                "operationId": "\#(operation)",
                "tags": ["pages"],
                "summary": "\#(summary)",
                "responses": {
                  "200": {
                    "description": "What is there",
                    "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
                    "content": {\#(content)}
                  },
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "401": {"$ref": "#/components/responses/Unauthorized"},
                  \#(missing)
                  "429": {"$ref": "#/components/responses/TooMany"},
                  "503": {"$ref": "#/components/responses/Unavailable"}
                }
              }
            }
            """#
    }

    /// `POST /verify`, beside the page.
    private static let verify = ##"""

        "post": {
          "operationId": "verifyBundle",
          "tags": ["service"],
          "summary": "The verdict on a bundle",
          "description": "What `kettle verify --json` says of it. The bundle is not kept. Every text is the option of \##
        `kettle verify` of that name.",
          "requestBody": {
            "required": true,
            "content": {
              "multipart/form-data": {
                "schema": {"$ref": "#/components/schemas/VerificationForm"},
                "encoding": {"bundle": {"contentType": "application/zip, application/gzip, application/octet-stream"}}
              }
            }
          },
          "responses": {
            "200": {
              "description": "The verdict, whatever it is",
              "headers": {
                "Cache-Control": {"$ref": "#/components/headers/No-Store"},
                "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
              },
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Verdict"}}}
            },
            "400": {"$ref": "#/components/responses/Refused"},
            "401": {"$ref": "#/components/responses/Unauthorized"},
            "403": {"$ref": "#/components/responses/Forbidden"},
            "408": {"$ref": "#/components/responses/TooSlow"},
            "413": {"$ref": "#/components/responses/TooLarge"},
            "415": {"$ref": "#/components/responses/UnsupportedMediaType"},
            "429": {"$ref": "#/components/responses/TooMany"},
            "503": {"$ref": "#/components/responses/Unavailable"}
          }
        },
        """##
}
