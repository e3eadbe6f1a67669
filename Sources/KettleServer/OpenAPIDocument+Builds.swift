extension OpenAPIDocument {
    /// The routes that begin, show, follow and end builds.
    static let buildPaths = #"""
        "/build/stream": {
          "post": {
            "operationId": "buildStream",
            "tags": ["builds"],
            "summary": "Build, with progress as Server-Sent Events",
            "description": "The answer begins as soon as the request is accepted. A client that goes away ends \#
        nothing: the events stay at /builds/{id}/events.",
            "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
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
                  "Location": {"$ref": "#/components/headers/Location"},
                  "Cache-Control": {"$ref": "#/components/headers/No-Cache"},
                  "X-Accel-Buffering": {"$ref": "#/components/headers/X-Accel-Buffering"},
                  "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
                },
                "content": {
                  "text/event-stream": {
                    "schema": {
                      "type": "object",
                      "required": ["id", "data"],
                      "description": "One event: a line `id: N`, a line `data: ` with a JSON object (Event), and a \#
        blank line. A line that begins with a colon is a sign of life after 15 s of silence.",
                      "properties": {
                        "id": {"type": "string", "pattern": "^[1-9][0-9]*$"},
                        "data": {
                          "type": "string",
                          "contentMediaType": "application/json",
                          "contentSchema": {"$ref": "#/components/schemas/Event"}
                        }
                      }
                    },
                    "example": "id: 1\ndata: {\"type\":\"info\",\"message\":\"Initializing build \#
        environment\",\"phase\":\"init\",\"build_id\":\"b4f55bd91a0978cbfd91c457\"}\n\n"
                  }
                }
              },
              "400": {"$ref": "#/components/responses/Refused"},
              "401": {"$ref": "#/components/responses/Unauthorized"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "410": {"$ref": "#/components/responses/Pruned"},
              "408": {"$ref": "#/components/responses/TooSlow"},
              "413": {"$ref": "#/components/responses/TooLarge"},
              "415": {"$ref": "#/components/responses/UnsupportedMediaType"},
              "422": {"$ref": "#/components/responses/KeyReused"},
              "429": {"$ref": "#/components/responses/TooMany"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        "/build": {
          "post": {
            "operationId": "build",
            "tags": ["builds"],
            "summary": "Build, and answer when it is finished; or, with JSON, at once",
            "description": "A form is answered when the build is finished; with `Accept: application/zip` a \#
        successful one with its bundle. JSON, the later published form, is answered at once: the rest is at \#
        /build/{id}/events and /build/{id}/result.",
            "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
            "requestBody": {
              "required": true,
              "content": {
                "multipart/form-data": {
                  "schema": {"$ref": "#/components/schemas/BuildForm"},
                  "encoding": {
                    "source": {"contentType": "application/zip, application/gzip, application/octet-stream"}
                  }
                },
                "application/json": {"schema": {"$ref": "#/components/schemas/BuildJSON"}}
              }
            },
            "responses": {
              "200": {
                "description": "The build succeeded; or, of JSON, the build is accepted",
                "headers": {
                  "Location": {"$ref": "#/components/headers/Location"},
                  "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "oneOf": [{"$ref": "#/components/schemas/Success"}, {"$ref": "#/components/schemas/Job"}]
                    }
                  },
                  "application/zip": {}
                },
                "links": {
                  "state": {
                    "operationId": "getBuild",
                    "parameters": {"id": "$response.body#/job_id"},
                    "description": "Of JSON: what has become of it"
                  },
                  "events": {
                    "operationId": "followTypedEvents",
                    "parameters": {"id": "$response.body#/job_id"},
                    "description": "Of JSON: its events"
                  },
                  "result": {
                    "operationId": "getResult",
                    "parameters": {"id": "$response.body#/job_id"},
                    "description": "Of JSON: the bundle, once it has ended"
                  },
                  "remove": {
                    "operationId": "removeBuild",
                    "parameters": {"id": "$response.body#/job_id"},
                    "description": "Of JSON: cancel it, or forget it"
                  }
                }
              },
              "400": {
                "description": "Refused before there was a build (problem), or the build failed and the source is \#
        at fault (failure)",
                "headers": {
                  "Location": {"$ref": "#/components/headers/Location"},
                  "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
                },
                "content": {
                  "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
                  "application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}
                }
              },
              "401": {"$ref": "#/components/responses/Unauthorized"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "410": {"$ref": "#/components/responses/Pruned"},
              "408": {"$ref": "#/components/responses/TooSlow"},
              "413": {"$ref": "#/components/responses/TooLarge"},
              "415": {"$ref": "#/components/responses/UnsupportedMediaType"},
              "422": {"$ref": "#/components/responses/KeyReused"},
              "429": {"$ref": "#/components/responses/TooMany"},
              "500": {
                "description": "The build failed and the service is at fault",
                "headers": {
                  "Location": {"$ref": "#/components/headers/Location"},
                  "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
                },
                "content": {
                  "application/json": {"schema": {"$ref": "#/components/schemas/Failure"}},
                  "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                }
              },
              "503": {
                "description": "As elsewhere; or `build.suspended`: the service stops before the build has ended, \#
        which goes on when it is back and is at its Location",
                "headers": {
                  "Retry-After": {"$ref": "#/components/headers/Retry-After"},
                  "Location": {"$ref": "#/components/headers/Location"},
                  "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
                },
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              }
            }
          }
        },
        "/build/{id}/events": {
          "parameters": [{"$ref": "#/components/parameters/BuildID"}],
          "get": {
            "operationId": "followTypedEvents",
            "tags": ["builds"],
            "summary": "The same events in the later published form",
            "parameters": [
              {"$ref": "#/components/parameters/From"},
              {"$ref": "#/components/parameters/Follow"},
              {"$ref": "#/components/parameters/LastEventID"}
            ],
            "responses": {
              "200": {
                "description": "Events up to `complete`, then the end of the response",
                "headers": {
                  "Cache-Control": {"$ref": "#/components/headers/No-Cache"},
                  "X-Accel-Buffering": {"$ref": "#/components/headers/X-Accel-Buffering"},
                  "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
                },
                "content": {
                  "text/event-stream": {
                    "schema": {
                      "type": "object",
                      "required": ["id", "data"],
                      "description": "One event: a line `id: N`, a line `data: ` with a JSON object (TypedEvent), \#
        and a blank line. A line that begins with a colon is a sign of life after 15 s of silence.",
                      "properties": {
                        "id": {"type": "string", "pattern": "^[1-9][0-9]*$"},
                        "data": {
                          "type": "string",
                          "contentMediaType": "application/json",
                          "contentSchema": {"$ref": "#/components/schemas/TypedEvent"}
                        }
                      }
                    },
                    "example": "id: 4\ndata: {\"type\":\"build\",\"msg\":\"Running cargo build --release\"}\n\n"
                  }
                }
              },
              "204": {
                "description": "The build has ended and the reader has every event: an EventSource stops \#
        reconnecting",
                "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
              },
              "400": {"$ref": "#/components/responses/Refused"},
              "401": {"$ref": "#/components/responses/Unauthorized"},
              "404": {"$ref": "#/components/responses/NotFound"},
              "410": {"$ref": "#/components/responses/Pruned"},
              "429": {"$ref": "#/components/responses/TooMany"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        "/builds": {
          "get": {
            "operationId": "listBuilds",
            "tags": ["builds"],
            "summary": "The newest builds, a page at a time",
            "description": "Those that the caller may read. As a page for people where the request accepts text/html.",
            "parameters": [
              {
                "name": "limit",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
              },
              {
                "name": "before",
                "in": "query",
                "description": "Only builds that began before this one: the last id of the page before. 400 for a \#
        build that is not there",
                "schema": {"$ref": "#/components/schemas/BuildID"}
              }
            ],
            "responses": {
              "200": {
                "description": "A page",
                "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
                "content": {
                  "application/json": {"schema": {"$ref": "#/components/schemas/BuildPage"}},
                  "text/html": {"schema": {"type": "string"}}
                }
              },
              "400": {"$ref": "#/components/responses/Refused"},
              "401": {"$ref": "#/components/responses/Unauthorized"},
              "429": {"$ref": "#/components/responses/TooMany"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        "/builds/{id}": {
          "parameters": [{"$ref": "#/components/parameters/BuildID"}],
          "get": {
            "operationId": "getBuild",
            "tags": ["builds"],
            "summary": "State of one build; the full result once it has ended",
            "description": "As a page for people where the request accepts text/html.",
            "responses": {
              "200": {
                "description": "The build",
                "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
                "content": {
                  "application/json": {
                    "schema": {
                      "oneOf": [
                        {"$ref": "#/components/schemas/Build"},
                        {"$ref": "#/components/schemas/Success"},
                        {"$ref": "#/components/schemas/Failure"}
                      ]
                    }
                  },
                  "text/html": {"schema": {"type": "string"}}
                }
              },
              "401": {"$ref": "#/components/responses/Unauthorized"},
              "404": {"$ref": "#/components/responses/NotFound"},
              "429": {"$ref": "#/components/responses/TooMany"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          },
          "delete": {
            "operationId": "removeBuild",
            "tags": ["builds"],
            "summary": "Cancel a build that waits or runs; forget one that has ended",
            "parameters": [
              {
                "name": "unfinished",
                "in": "query",
                "description": "Whether a build that has ended is left alone, with 409",
                "schema": {"type": "boolean", "default": false}
              }
            ],
            "responses": {
              "200": {
                "description": "It is cancelled, and no process of it is left: how it ended (`CancelledError`, \#
        unless it ended by itself meanwhile)",
                "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Result"}}}
              },
              "202": {
                "description": "The build is ended, and its end cannot be recorded yet",
                "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Build"}}}
              },
              "204": {
                "description": "It had ended; now it and its files are gone",
                "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
              },
              "400": {"$ref": "#/components/responses/Refused"},
              "401": {"$ref": "#/components/responses/Unauthorized"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "404": {"$ref": "#/components/responses/NotFound"},
              "409": {
                "description": "It has ended, and `unfinished` leaves such a build alone: `build.ended`",
                "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "429": {"$ref": "#/components/responses/TooMany"},
              "503": {"$ref": "#/components/responses/Unavailable"}
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
              {"$ref": "#/components/parameters/From"},
              {"$ref": "#/components/parameters/Follow"},
              {"$ref": "#/components/parameters/LastEventID"}
            ],
            "responses": {
              "200": {
                "description": "Events up to `complete`, then the end of the response",
                "headers": {
                  "Cache-Control": {"$ref": "#/components/headers/No-Cache"},
                  "X-Accel-Buffering": {"$ref": "#/components/headers/X-Accel-Buffering"},
                  "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
                },
                "content": {
                  "text/event-stream": {
                    "schema": {
                      "type": "object",
                      "required": ["id", "data"],
                      "description": "One event: a line `id: N`, a line `data: ` with a JSON object (Event), and a \#
        blank line. A line that begins with a colon is a sign of life after 15 s of silence.",
                      "properties": {
                        "id": {"type": "string", "pattern": "^[1-9][0-9]*$"},
                        "data": {
                          "type": "string",
                          "contentMediaType": "application/json",
                          "contentSchema": {"$ref": "#/components/schemas/Event"}
                        }
                      }
                    },
                    "example": "id: 1\ndata: {\"type\":\"info\",\"message\":\"Initializing build \#
        environment\",\"phase\":\"init\",\"build_id\":\"b4f55bd91a0978cbfd91c457\"}\n\n"
                  }
                }
              },
              "204": {
                "description": "The build has ended and the reader has every event: an EventSource stops \#
        reconnecting",
                "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
              },
              "400": {"$ref": "#/components/responses/Refused"},
              "401": {"$ref": "#/components/responses/Unauthorized"},
              "404": {"$ref": "#/components/responses/NotFound"},
              "410": {"$ref": "#/components/responses/Pruned"},
              "429": {"$ref": "#/components/responses/TooMany"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        }
        """#
}
