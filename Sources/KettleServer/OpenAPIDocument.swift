/// What `GET /openapi.json` answers: the routes of this service in OpenAPI 3.1.
///
/// Held against the running service by the end-to-end tests; `.ci/run` has a validator read it.
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
        route is served under /v1, under /api and at the root alike.",
            "license": {"name": "MIT", "identifier": "MIT"}
          },
          "servers": [{"url": "/v1"}, {"url": "/api"}, {"url": "/"}],
          "security": [],
          "tags": [{"name": "builds"}, {"name": "files"}, {"name": "service"}],
          "paths": {
            "/build/stream": {
              "post": {
                "operationId": "buildStream",
                "tags": ["builds"],
                "summary": "Build, with progress as Server-Sent Events",
                "description": "The answer begins as soon as the request is accepted. A client that goes away ends \#
        nothing: the events stay at /builds/{id}/events.",
                "requestBody": {
                  "required": true,
                  "content": {
                    "multipart/form-data": {
                      "schema": {"$ref": "#/components/schemas/BuildForm"},
                      "encoding": {
                        "source": {"contentType": "application/zip, application/gzip, application/octet-stream"}
                      }
                    }
                  }
                },
                "responses": {
                  "200": {
                    "description": "Events up to `complete`, then the end of the response",
                    "headers": {
                      "Location": {"description": "The build's state: /v1/builds/{id}", "schema": {"type": "string"}},
                      "Cache-Control": {"schema": {"const": "no-cache"}},
                      "X-Accel-Buffering": {"schema": {"const": "no"}}
                    },
                    "content": {
                      "text/event-stream": {
                        "schema": {
                          "type": "string",
                          "description": "Frames of `id: N`, one line `data: ` with a JSON object (Event), and a \#
        blank line. A line that begins with a colon is a sign of life after 15 s of silence."
                        },
                        "example": "id: 1\ndata: {\"type\":\"info\",\"message\":\"Initializing build \#
        environment\",\"phase\":\"init\",\"build_id\":\"b4f55bd91a0978cbfd91c457\"}\n\n"
                      }
                    }
                  },
                  "400": {"$ref": "#/components/responses/Refused"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "415": {"$ref": "#/components/responses/NotMultipart"},
                  "503": {"$ref": "#/components/responses/Stopping"}
                }
              }
            },
            "/build": {
              "post": {
                "operationId": "build",
                "tags": ["builds"],
                "summary": "Build, and answer when it is finished",
                "description": "With `Accept: application/zip` a successful build is answered with its bundle.",
                "requestBody": {
                  "required": true,
                  "content": {
                    "multipart/form-data": {
                      "schema": {"$ref": "#/components/schemas/BuildForm"},
                      "encoding": {
                        "source": {"contentType": "application/zip, application/gzip, application/octet-stream"}
                      }
                    }
                  }
                },
                "responses": {
                  "200": {
                    "description": "The build succeeded",
                    "headers": {
                      "Location": {"description": "The build's state: /v1/builds/{id}", "schema": {"type": "string"}}
                    },
                    "content": {
                      "application/json": {"schema": {"$ref": "#/components/schemas/Success"}},
                      "application/zip": {"schema": {"type": "string", "format": "binary"}}
                    }
                  },
                  "400": {
                    "description": "Refused before there was a build (problem), or the build failed and the source \#
        is at fault (failure)",
                    "content": {
                      "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
                      "application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}
                    }
                  },
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "415": {"$ref": "#/components/responses/NotMultipart"},
                  "500": {
                    "description": "The build failed and the service is at fault",
                    "content": {
                      "application/json": {"schema": {"$ref": "#/components/schemas/Failure"}},
                      "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                    }
                  },
                  "503": {"$ref": "#/components/responses/Stopping"}
                }
              }
            },
            "/builds": {
              "get": {
                "operationId": "listBuilds",
                "tags": ["builds"],
                "summary": "The newest builds, a page at a time",
                "parameters": [
                  {
                    "name": "limit",
                    "in": "query",
                    "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
                  },
                  {
                    "name": "before",
                    "in": "query",
                    "description": "Only builds that began before this one: the last id of the page before",
                    "schema": {"$ref": "#/components/schemas/BuildID"}
                  }
                ],
                "responses": {
                  "200": {
                    "description": "A page",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/BuildPage"}}}
                  },
                  "400": {"$ref": "#/components/responses/Refused"}
                }
              }
            },
            "/builds/{id}": {
              "parameters": [{"$ref": "#/components/parameters/BuildID"}],
              "get": {
                "operationId": "getBuild",
                "tags": ["builds"],
                "summary": "State of one build; the full result once it has ended",
                "responses": {
                  "200": {
                    "description": "The build",
                    "content": {
                      "application/json": {
                        "schema": {
                          "oneOf": [
                            {"$ref": "#/components/schemas/Build"},
                            {"$ref": "#/components/schemas/Success"},
                            {"$ref": "#/components/schemas/Failure"}
                          ]
                        }
                      }
                    }
                  },
                  "404": {"$ref": "#/components/responses/NotFound"}
                }
              }
            },
            "/builds/{id}/events": {
              "parameters": [{"$ref": "#/components/parameters/BuildID"}],
              "get": {
                "operationId": "followEvents",
                "tags": ["builds"],
                "summary": "A build's events again from the start, then live to the end",
                "parameters": [
                  {
                    "name": "from",
                    "in": "query",
                    "description": "The number of the last event already seen",
                    "schema": {"type": "integer", "minimum": 0}
                  },
                  {
                    "name": "Last-Event-ID",
                    "in": "header",
                    "description": "The same, as an EventSource sends it when it reconnects",
                    "schema": {"type": "integer", "minimum": 0}
                  }
                ],
                "responses": {
                  "200": {
                    "description": "Events up to `complete`, then the end of the response",
                    "headers": {
                      "Cache-Control": {"schema": {"const": "no-cache"}},
                      "X-Accel-Buffering": {"schema": {"const": "no"}}
                    },
                    "content": {
                      "text/event-stream": {
                        "schema": {
                          "type": "string",
                          "description": "Frames of `id: N`, one line `data: ` with a JSON object (Event), and a \#
        blank line. A line that begins with a colon is a sign of life after 15 s of silence."
                        },
                        "example": "id: 1\ndata: {\"type\":\"info\",\"message\":\"Initializing build \#
        environment\",\"phase\":\"init\",\"build_id\":\"b4f55bd91a0978cbfd91c457\"}\n\n"
                      }
                    }
                  },
                  "204": {
                    "description": "The build has ended and the reader has every event: an EventSource stops \#
        reconnecting"
                  },
                  "400": {"$ref": "#/components/responses/Refused"},
                  "404": {"$ref": "#/components/responses/NotFound"}
                }
              }
            },
            "/builds/{id}/artifacts/{name}": {
              "parameters": [{"$ref": "#/components/parameters/BuildID"}, {"$ref": \#
        "#/components/parameters/FileName"}],
              "get": {
                "operationId": "getArtifact",
                "summary": "An artifact",
                "tags": ["files"],
                "parameters": [
                  {"$ref": "#/components/parameters/Range"},
                  {"$ref": "#/components/parameters/IfNoneMatch"}
                ],
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "206": {"$ref": "#/components/responses/FilePart"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "416": {"$ref": "#/components/responses/NoSuchRange"}
                }
              },
              "head": {
                "operationId": "getArtifactHead",
                "summary": "An artifact (headers only)",
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"}
                }
              }
            },
            "/builds/{id}/build-config/{name}": {
              "parameters": [{"$ref": "#/components/parameters/BuildID"}, {"$ref": \#
        "#/components/parameters/FileName"}],
              "get": {
                "operationId": "getBuildConfig",
                "summary": "The lockfile",
                "tags": ["files"],
                "parameters": [
                  {"$ref": "#/components/parameters/Range"},
                  {"$ref": "#/components/parameters/IfNoneMatch"}
                ],
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "206": {"$ref": "#/components/responses/FilePart"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "416": {"$ref": "#/components/responses/NoSuchRange"}
                }
              },
              "head": {
                "operationId": "getBuildConfigHead",
                "summary": "The lockfile (headers only)",
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"}
                }
              }
            },
            "/builds/{id}/provenance.json": {
              "parameters": [{"$ref": "#/components/parameters/BuildID"}],
              "get": {
                "operationId": "getProvenance",
                "summary": "The statement, exactly the bytes that were attested",
                "tags": ["files"],
                "parameters": [
                  {"$ref": "#/components/parameters/Range"},
                  {"$ref": "#/components/parameters/IfNoneMatch"}
                ],
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "206": {"$ref": "#/components/responses/FilePart"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "416": {"$ref": "#/components/responses/NoSuchRange"}
                }
              },
              "head": {
                "operationId": "getProvenanceHead",
                "summary": "The statement, exactly the bytes that were attested (headers only)",
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"}
                }
              }
            },
            "/builds/{id}/evidence.json": {
              "parameters": [{"$ref": "#/components/parameters/BuildID"}],
              "get": {
                "operationId": "getEvidence",
                "summary": "The evidence",
                "tags": ["files"],
                "parameters": [
                  {"$ref": "#/components/parameters/Range"},
                  {"$ref": "#/components/parameters/IfNoneMatch"}
                ],
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "206": {"$ref": "#/components/responses/FilePart"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "416": {"$ref": "#/components/responses/NoSuchRange"}
                }
              },
              "head": {
                "operationId": "getEvidenceHead",
                "summary": "The evidence (headers only)",
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"}
                }
              }
            },
            "/builds/{id}/sbom.cdx.json": {
              "parameters": [{"$ref": "#/components/parameters/BuildID"}],
              "get": {
                "operationId": "getBillOfMaterials",
                "summary": "The bill of materials, CycloneDX 1.6",
                "tags": ["files"],
                "parameters": [
                  {"$ref": "#/components/parameters/Range"},
                  {"$ref": "#/components/parameters/IfNoneMatch"}
                ],
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "206": {"$ref": "#/components/responses/FilePart"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "416": {"$ref": "#/components/responses/NoSuchRange"}
                }
              },
              "head": {
                "operationId": "getBillOfMaterialsHead",
                "summary": "The bill of materials, CycloneDX 1.6 (headers only)",
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"}
                }
              }
            },
            "/builds/{id}/build.log": {
              "parameters": [{"$ref": "#/components/parameters/BuildID"}],
              "get": {
                "operationId": "getLog",
                "summary": "The build's raw output",
                "tags": ["files"],
                "parameters": [
                  {"$ref": "#/components/parameters/Range"},
                  {"$ref": "#/components/parameters/IfNoneMatch"}
                ],
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "206": {"$ref": "#/components/responses/FilePart"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "416": {"$ref": "#/components/responses/NoSuchRange"}
                }
              },
              "head": {
                "operationId": "getLogHead",
                "summary": "The build's raw output (headers only)",
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"}
                }
              }
            },
            "/builds/{id}/bundle.zip": {
              "parameters": [{"$ref": "#/components/parameters/BuildID"}],
              "get": {
                "operationId": "getBundleZip",
                "summary": "Everything that `kettle verify` needs, as ZIP",
                "tags": ["files"],
                "parameters": [
                  {"$ref": "#/components/parameters/Range"},
                  {"$ref": "#/components/parameters/IfNoneMatch"}
                ],
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "206": {"$ref": "#/components/responses/FilePart"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "416": {"$ref": "#/components/responses/NoSuchRange"}
                }
              },
              "head": {
                "operationId": "getBundleZipHead",
                "summary": "Everything that `kettle verify` needs, as ZIP (headers only)",
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"}
                }
              }
            },
            "/builds/{id}/bundle.tar.gz": {
              "parameters": [{"$ref": "#/components/parameters/BuildID"}],
              "get": {
                "operationId": "getBundleTar",
                "summary": "The same as a gzip tarball",
                "tags": ["files"],
                "parameters": [
                  {"$ref": "#/components/parameters/Range"},
                  {"$ref": "#/components/parameters/IfNoneMatch"}
                ],
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "206": {"$ref": "#/components/responses/FilePart"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "416": {"$ref": "#/components/responses/NoSuchRange"}
                }
              },
              "head": {
                "operationId": "getBundleTarHead",
                "summary": "The same as a gzip tarball (headers only)",
                "responses": {
                  "200": {"$ref": "#/components/responses/File"},
                  "304": {"$ref": "#/components/responses/NotModified"},
                  "404": {"$ref": "#/components/responses/NotFound"}
                }
              }
            },
            "/attestation": {
              "get": {
                "operationId": "attestTLSKey",
                "tags": ["service"],
                "summary": "Evidence that the key of this service's TLS is held in the attested machine",
                "description": "For clients that check the service before they send it a source. The evidence is over \#
        SHA-256(tls_public_key || nonce) and sixteen zero bytes.",
                "parameters": [
                  {
                    "name": "nonce",
                    "in": "query",
                    "required": true,
                    "description": "16 random bytes as hex, dashes allowed",
                    "schema": {"type": "string", "pattern": "^([0-9a-fA-F]-?){32}$"}
                  }
                ],
                "responses": {
                  "200": {
                    "description": "The key and its evidence",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Attestation"}}}
                  },
                  "400": {
                    "description": "No nonce, or one that is not 16 bytes",
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
                  },
                  "404": {
                    "description": "The service does not terminate TLS itself: `attestation.no_tls`",
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
                  },
                  "429": {
                    "description": "Too many callers wait already",
                    "headers": {"Retry-After": {"schema": {"type": "integer"}}},
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
                  }
                }
              }
            },
            "/health": {
              "get": {
                "operationId": "health",
                "tags": ["service"],
                "summary": "Alive",
                "responses": {
                  "200": {
                    "description": "It is",
                    "content": {
                      "application/json": {
                        "schema": {
                          "type": "object",
                          "required": ["status"],
                          "properties": {"status": {"const": "ok"}, "version": {"type": "string"}}
                        }
                      }
                    }
                  }
                }
              }
            },
            "/openapi.json": {
              "get": {
                "operationId": "openapi",
                "tags": ["service"],
                "summary": "This document",
                "responses": {
                  "200": {
                    "description": "OpenAPI 3.1",
                    "content": {"application/json": {"schema": {"type": "object"}}}
                  }
                }
              }
            }
          },
          "components": {
            "parameters": {
              "BuildID": {
                "name": "id",
                "in": "path",
                "required": true,
                "schema": {"$ref": "#/components/schemas/BuildID"}
              },
              "FileName": {
                "name": "name",
                "in": "path",
                "required": true,
                "description": "As the result names it; looked up among the build's files",
                "schema": {"type": "string"}
              },
              "Range": {"name": "Range", "in": "header", "schema": {"type": "string"}, "example": "bytes=0-1023"},
              "IfNoneMatch": {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}
            },
            "responses": {
              "Refused": {
                "description": "The request is wrong; no build was begun",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "NotFound": {
                "description": "No build or file of that name",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "TooLarge": {
                "description": "Over the upload limit",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "NotMultipart": {
                "description": "Not multipart/form-data",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "Stopping": {
                "description": "The service is being stopped and takes no more builds",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "File": {
                "description": "The file",
                "headers": {
                  "Content-Length": {"$ref": "#/components/headers/Content-Length"},
                  "Content-Disposition": {"$ref": "#/components/headers/Content-Disposition"},
                  "ETag": {"$ref": "#/components/headers/ETag"},
                  "Repr-Digest": {"$ref": "#/components/headers/Repr-Digest"},
                  "Accept-Ranges": {"$ref": "#/components/headers/Accept-Ranges"},
                  "Cache-Control": {"$ref": "#/components/headers/Cache-Control"}
                },
                "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}
              },
              "FilePart": {
                "description": "The part that Range names",
                "headers": {
                  "Content-Length": {"$ref": "#/components/headers/Content-Length"},
                  "Content-Disposition": {"$ref": "#/components/headers/Content-Disposition"},
                  "ETag": {"$ref": "#/components/headers/ETag"},
                  "Repr-Digest": {"$ref": "#/components/headers/Repr-Digest"},
                  "Accept-Ranges": {"$ref": "#/components/headers/Accept-Ranges"},
                  "Cache-Control": {"$ref": "#/components/headers/Cache-Control"},
                  "Content-Range": {"schema": {"type": "string"}}
                },
                "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}
              },
              "NoSuchRange": {
                "description": "No such range",
                "headers": {"Content-Range": {"schema": {"type": "string"}}}
              },
              "NotModified": {"description": "The client has it already"}
            },
            "schemas": {
              "BuildID": {"type": "string", "pattern": "^[0-9a-f]{24,64}$", "description": "At least 96 random bits"},
              "Attestation": {
                "type": "object",
                "required": ["tls_public_key", "nonce", "evidence"],
                "properties": {
                  "tls_public_key": {
                    "type": "string",
                    "contentEncoding": "base64",
                    "description": "DER SubjectPublicKeyInfo of the key that terminates TLS"
                  },
                  "nonce": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                  "evidence": {
                    "type": "object",
                    "required": ["platform", "evidence"],
                    "description": "In the form of evidence.json"
                  }
                }
              },
              "BuildForm": {
                "type": "object",
                "description": "Exactly one of `source` and `repo_url`.",
                "properties": {
                  "source": {
                    "description": "A ZIP or tar.gz archive, told by its content",
                    "type": "string",
                    "contentMediaType": "application/octet-stream"
                  },
                  "repo_url": {
                    "type": "string",
                    "format": "uri",
                    "description": "An https git URL; others only where the operator allows them"
                  },
                  "ref": {
                    "type": "string",
                    "description": "Branch, tag or commit; with `repo_url` only. Default: the remote's default branch"
                  },
                  "nonce": {
                    "type": "string",
                    "pattern": "^([0-9a-fA-F]-*){32}$",
                    "description": "16 bytes as hex, dashes allowed; bound into the evidence"
                  },
                  "path": {"type": "string", "description": "The project's folder inside the source"}
                },
                "oneOf": [{"required": ["source"], "not": {"required": ["ref"]}}, {"required": ["repo_url"]}]
              },
              "Event": {
                "oneOf": [{"$ref": "#/components/schemas/InfoEvent"}, {"$ref": "#/components/schemas/CompleteEvent"}]
              },
              "InfoEvent": {
                "type": "object",
                "required": ["type", "message"],
                "properties": {
                  "type": {"const": "info"},
                  "message": {"type": "string"},
                  "phase": {
                    "enum": ["queued", "init", "source", "detect", "inputs", "fetch", "build", "provenance", "attest"]
                  },
                  "build_id": {
                    "allOf": [{"$ref": "#/components/schemas/BuildID"}],
                    "description": "On the first event"
                  },
                  "stream": {"enum": ["stdout", "stderr"], "description": "On a line of the build's own output"},
                  "position": {"type": "integer", "minimum": 1, "description": "While queued"}
                }
              },
              "CompleteEvent": {
                "type": "object",
                "required": ["type", "result"],
                "properties": {"type": {"const": "complete"}, "result": {"$ref": "#/components/schemas/Result"}}
              },
              "Result": {"oneOf": [{"$ref": "#/components/schemas/Success"}, {"$ref": \#
        "#/components/schemas/Failure"}]},
              "File": {
                "type": "object",
                "required": ["name", "sha256", "download_url"],
                "properties": {
                  "name": {"type": "string"},
                  "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                  "size": {"type": "integer", "minimum": 0},
                  "download_url": {"type": "string", "format": "uri-reference"}
                }
              },
              "Success": {
                "type": "object",
                "required": [
                  "build_id",
                  "status",
                  "build_system",
                  "artifacts",
                  "build_config",
                  "provenance",
                  "attestation",
                  "attestation_status",
                  "platform",
                  "bundle_url",
                  "duration_ms"
                ],
                "properties": {
                  "build_id": {"$ref": "#/components/schemas/BuildID"},
                  "status": {"const": "success"},
                  "build_system": {"type": "string", "examples": ["cargo"]},
                  "artifacts": {"type": "array", "items": {"$ref": "#/components/schemas/File"}},
                  "build_config": {"$ref": "#/components/schemas/File"},
                  "provenance": {"type": "object", "description": "The in-toto statement"},
                  "attestation": {"type": "string", "contentEncoding": "base64", "description": "evidence.json"},
                  "attestation_status": {"const": "success"},
                  "platform": {"enum": ["sev-snp", "tdx", "az-snp", "az-tdx", "software"]},
                  "bundle_url": {"type": "string", "format": "uri-reference"},
                  "duration_ms": {"type": "integer", "minimum": 0}
                }
              },
              "Failure": {
                "type": "object",
                "required": ["build_id", "status", "error", "error_type", "code"],
                "properties": {
                  "build_id": {"$ref": "#/components/schemas/BuildID"},
                  "status": {"const": "failed"},
                  "error": {"type": "string", "description": "One sentence"},
                  "error_type": {
                    "enum": [
                      "UnsupportedToolchainError",
                      "SourceError",
                      "DependencyError",
                      "BuildFailedError",
                      "LimitExceededError",
                      "CancelledError",
                      "AttestationError",
                      "InternalError"
                    ]
                  },
                  "code": {
                    "type": "string",
                    "examples": ["toolchain.unsupported"],
                    "description": "Stable, for programs"
                  },
                  "hint": {"type": "string"},
                  "supported_toolchains": {"type": "array", "items": {"type": "string"}},
                  "found_files": {"type": "array", "items": {"type": "string"}},
                  "exit_code": {"type": "integer"},
                  "output": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "The last lines of the build's output"
                  },
                  "limit": {"type": "string"},
                  "limit_value": {"type": "string"}
                }
              },
              "Build": {
                "type": "object",
                "required": ["build_id", "status", "source", "created_at", "url"],
                "description": "A build in a list, or one that has not ended: then its result stands in its place.",
                "properties": {
                  "build_id": {"$ref": "#/components/schemas/BuildID"},
                  "status": {"enum": ["running", "success", "failed"]},
                  "source": {"type": "string"},
                  "ref": {"type": "string"},
                  "created_at": {"type": "string", "format": "date-time"},
                  "finished_at": {"type": "string", "format": "date-time"},
                  "url": {"type": "string", "format": "uri-reference"},
                  "build_system": {"type": "string"}
                }
              },
              "BuildPage": {
                "type": "object",
                "required": ["builds"],
                "properties": {
                  "builds": {"type": "array", "items": {"$ref": "#/components/schemas/Build"}},
                  "next_before": {
                    "allOf": [{"$ref": "#/components/schemas/BuildID"}],
                    "description": "Set when there are more: the next page's `before`"
                  }
                }
              },
              "Problem": {
                "type": "object",
                "description": "RFC 9457",
                "required": ["status", "title", "detail", "code"],
                "properties": {
                  "type": {"type": "string", "format": "uri-reference"},
                  "title": {"type": "string"},
                  "status": {"type": "integer"},
                  "detail": {"type": "string"},
                  "code": {"type": "string"},
                  "hint": {"type": "string"}
                }
              }
            },
            "headers": {
              "Content-Length": {"schema": {"type": "integer"}},
              "Content-Disposition": {"schema": {"type": "string"}},
              "ETag": {"description": "The SHA-256, quoted", "schema": {"type": "string"}},
              "Repr-Digest": {"description": "RFC 9530: `sha-256=:…:`", "schema": {"type": "string"}},
              "Accept-Ranges": {"schema": {"const": "bytes"}},
              "Cache-Control": {"schema": {"type": "string"}}
            }
          }
        }
        """#
}
