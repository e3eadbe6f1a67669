extension OpenAPIDocument {
    /// The routes that are about the service itself.
    static let servicePaths = #"""
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
                "description": "16 random bytes as hex; a dash may stand between two digits",
                "schema": {"$ref": "#/components/schemas/Nonce"}
              }
            ],
            "responses": {
              "200": {
                "description": "The key and its evidence",
                "headers": {
                  "Cache-Control": {"$ref": "#/components/headers/No-Store"},
                  "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
                },
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Attestation"}}}
              },
              "400": {
                "description": "No nonce, or one that is not 16 bytes",
                "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "401": {"$ref": "#/components/responses/Unauthorized"},
              "404": {
                "description": "The service does not terminate TLS itself: `attestation.no_tls`",
                "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "429": {
                "description": "Too many callers wait already: `attestation.busy`; or as elsewhere",
                "headers": {
                  "Retry-After": {"$ref": "#/components/headers/Retry-After"},
                  "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
                },
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "500": {
                "description": "The hardware gave no evidence",
                "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
              },
              "503": {"$ref": "#/components/responses/Unavailable"}
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
                "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
                "content": {
                  "application/json": {
                    "schema": {
                      "type": "object",
                      "required": ["status", "version"],
                      "properties": {"status": {"const": "ok"}, "version": {"type": "string"}}
                    }
                  }
                }
              },
              "401": {"$ref": "#/components/responses/Unauthorized"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        "/ready": {
          "get": {
            "operationId": "ready",
            "tags": ["service"],
            "summary": "Able to build",
            "responses": {
              "200": {
                "description": "It is",
                "headers": {
                  "Cache-Control": {"$ref": "#/components/headers/No-Store"},
                  "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "type": "object",
                      "required": ["status", "checks"],
                      "properties": {
                        "status": {"const": "ready"},
                        "checks": {"type": "object", "additionalProperties": {"const": "ok"}}
                      }
                    }
                  }
                }
              },
              "401": {"$ref": "#/components/responses/Unauthorized"},
              "503": {
                "description": "It is not (`service.not_ready`); `checks` says by code what is wrong",
                "headers": {
                  "Retry-After": {"$ref": "#/components/headers/Retry-After"},
                  "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
                },
                "content": {
                  "application/problem+json": {
                    "schema": {
                      "allOf": [{"$ref": "#/components/schemas/Problem"}],
                      "properties": {"checks": {"type": "object", "additionalProperties": {"type": "string"}}}
                    }
                  }
                }
              }
            }
          }
        },
        "/metrics": {
          "get": {
            "operationId": "metrics",
            "tags": ["service"],
            "summary": "Metrics, as Prometheus reads them",
            "responses": {
              "200": {
                "description": "Text exposition format 0.0.4",
                "headers": {
                  "Cache-Control": {"$ref": "#/components/headers/No-Store"},
                  "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
                },
                "content": {"text/plain": {"schema": {"type": "string"}}}
              },
              "401": {"$ref": "#/components/responses/Unauthorized"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "429": {"$ref": "#/components/responses/TooMany"},
              "503": {"$ref": "#/components/responses/Unavailable"}
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
                "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
                "content": {"application/json": {"schema": {"type": "object"}}}
              },
              "401": {"$ref": "#/components/responses/Unauthorized"},
              "429": {"$ref": "#/components/responses/TooMany"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        \#(pagePaths)
        """#
}
