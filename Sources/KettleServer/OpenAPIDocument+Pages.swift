extension OpenAPIDocument {
    /// The pages for people, and their files.
    static let pagePaths = """
        "/": \(page("homePage", "A page from which to submit a build", ["text/html"])),
        "/builds/{id}/badge.svg": \(page(
            "getBadge", "The state of a build as a picture for other pages", ["image/svg+xml"],
            parameters: [##"{"$ref": "#/components/parameters/BuildID"}"##], isFound: false)),
        "/verify": \(page("verifyPage", "A page that checks a bundle in the browser", ["text/html"])),
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
    private static func page(
        _ operation: String, _ summary: String, _ types: [String], parameters: [String] = [], isFound: Bool = true
    ) -> String {
        let content = types.map { #""\#($0)": {"schema": {"type": "string"}}"# }.joined(separator: ", ")
        let missing = isFound ? "" : ##""404": {"$ref": "#/components/responses/NotFound"},"##
        return #"""
            {
              "parameters": [\#(parameters.joined(separator: ", "))],
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
}
