/// What `GET /openapi.json` answers: the routes of this service in OpenAPI 3.1.
///
/// Held against the running service by the end-to-end tests; `.ci/run` has a validator read it, and a tester send what it
/// promises to take.
package enum OpenAPIDocument {
    package static let json = #"""
        {
          "openapi": "3.1.0",
          "info": {
            "title": "Kettle",
            "version": "1.0.0",
            "summary": "Builds whose origin anyone can check.",
            "description": "A source goes in, its progress comes out as it happens, and the result is a bundle that \#
        `kettle verify` checks without this service: artifacts, provenance (in-toto, SLSA v1) and evidence. Every \#
        route is served under /v1, under /api and at the root alike. GET answers HEAD too.",
            "license": {"name": "MIT", "identifier": "MIT"}
          },
          "servers": [{"url": "/v1"}, {"url": "/api"}, {"url": "/"}],
          "security": [{}, {"bearer": []}],
          "tags": [{"name": "builds"}, {"name": "files"}, {"name": "service"}, {"name": "pages"}],
          "paths": {
        \#(buildPaths),
        \#(filePaths),
        \#(servicePaths)
          },
          "components": {
            "parameters": {
        \#(parameters)
            },
            "responses": {
        \#(responses)
            },
            "headers": {
        \#(headers)
            },
            "securitySchemes": {
        \#(securitySchemes)
            },
            "schemas": {
        \#(schemas)
            }
          }
        }
        """#
}
