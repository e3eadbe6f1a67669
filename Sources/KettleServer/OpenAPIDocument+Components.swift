extension OpenAPIDocument {
    /// What is sent beside a body, by more than one route.
    static let parameters = #"""
        "BuildID": {
          "name": "id",
          "in": "path",
          "required": true,
          "schema": {"$ref": "#/components/schemas/BuildID"}
        },
        "Digest": {
          "name": "digest",
          "in": "path",
          "required": true,
          "description": "SHA-256 of the artifact, as hex",
          "schema": {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}
        },
        "FileName": {
          "name": "name",
          "in": "path",
          "required": true,
          "description": "As the result names it; looked up among the build's files",
          "schema": {"type": "string"}
        },
        "Follow": {
          "name": "follow",
          "in": "query",
          "description": "`false` ends the answer with the events that there are",
          "schema": {"enum": ["true", "false"]}
        },
        "From": {
          "name": "from",
          "in": "query",
          "description": "The number of the last event already seen",
          "schema": {"anyOf": [{"$ref": "#/components/schemas/EventNumber"}, {"const": ""}]}
        },
        "LastEventID": {
          "name": "Last-Event-ID",
          "in": "header",
          "description": "The same, as an EventSource sends it when it reconnects; it counts before `from`",
          "schema": {"anyOf": [{"$ref": "#/components/schemas/EventNumber"}, {"const": ""}]}
        },
        "IdempotencyKey": {
          "name": "Idempotency-Key",
          "in": "header",
          "description": "New for each request: the same request with the same key is the same build, however often \#
        it is sent. Quoted (RFC 9651) or bare",
          "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$"}
        },
        "Range": {
          "name": "Range",
          "in": "header",
          "description": "One range of bytes; anything else gets the whole file",
          "schema": {"type": "string"},
          "example": "bytes=0-1023"
        },
        "IfNoneMatch": {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}},
        "IfRange": {
          "name": "If-Range",
          "in": "header",
          "description": "The ETag that Range is about",
          "schema": {"type": "string"}
        }
        """#

    /// What more than one route answers.
    static let responses = #"""
        "Refused": {
          "description": "The request is wrong; no build was begun",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "Unauthorized": {
          "description": "No token where one is needed (`access.token_missing`), or one that is not accepted \#
        (`access.token_invalid`)",
          "headers": {
            "WWW-Authenticate": {"$ref": "#/components/headers/WWW-Authenticate"},
            "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
          },
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "Forbidden": {
          "description": "The token lacks the scope (`access.scope`), or the build is somebody else's \#
        (`access.not_owner`)",
          "headers": {
            "WWW-Authenticate": {
              "description": "With `access.scope`: RFC 6750, section 3",
              "schema": {"type": "string"}
            },
            "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
          },
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "NotFound": {
          "description": "No build or file of that name, or none that the caller may know of",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "Pruned": {
          "description": "It was there, and is no longer kept of the build (`build.pruned`); provenance.json and \#
        evidence.json are",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "TooSlow": {
          "description": "The body dripped for longer than a minute",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "TooLarge": {
          "description": "Over the upload limit",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "UnsupportedMediaType": {
          "description": "The body is of no form that is taken here",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "NoSuchRange": {
          "description": "No such range",
          "headers": {
            "Content-Range": {"$ref": "#/components/headers/Content-Range"},
            "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
          },
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "KeyReused": {
          "description": "The Idempotency-Key was sent before, with another request: `request.key_reused`",
          "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "TooMany": {
          "description": "A limit is reached: of the caller (`quota.builds`, `quota.bytes`, `quota.minutes`, \#
        `quota.requests`) or of the service (`service.queue_full`, `request.busy`, `verify.busy`)",
          "headers": {
            "Retry-After": {"$ref": "#/components/headers/Retry-After"},
            "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
          },
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "Unavailable": {
          "description": "Not now, and perhaps soon: the service stops (`service.stopping`), its disk is full \#
        (`service.disk_low`, `store.…`), or the provider of identity tokens cannot be reached \#
        (`access.issuer_unreachable`)",
          "headers": {
            "Retry-After": {"$ref": "#/components/headers/Retry-After"},
            "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
          },
          "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        },
        "NotModified": {
          "description": "The client has it already",
          "headers": {
            "Content-Disposition": {"$ref": "#/components/headers/Content-Disposition"},
            "ETag": {"$ref": "#/components/headers/ETag"},
            "Repr-Digest": {"$ref": "#/components/headers/Repr-Digest"},
            "Cache-Control": {"$ref": "#/components/headers/Cache-Control"},
            "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}
          }
        }
        """#

    /// The headers of answers.
    static let headers = #"""
        "X-Request-Id": {
          "description": "The request's name in the service's log: the caller's, if it is 1 to 64 letters, digits, \#
        dots, dashes and underscores, or a new one",
          "required": true,
          "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"}
        },
        "Location": {
          "description": "The build's state",
          "schema": {"type": "string", "pattern": "^/v1/builds/[0-9a-f]{24,64}$"}
        },
        "Retry-After": {
          "description": "Seconds until asking again can help",
          "required": true,
          "schema": {"type": "integer", "minimum": 1}
        },
        "WWW-Authenticate": {"description": "RFC 6750, section 3", "required": true, "schema": {"type": "string"}},
        "X-Accel-Buffering": {"required": true, "schema": {"const": "no"}},
        "No-Cache": {"required": true, "schema": {"const": "no-cache"}},
        "No-Store": {"required": true, "schema": {"const": "no-store"}},
        "Content-Length": {"schema": {"type": "integer", "minimum": 0}},
        "Content-Range": {
          "required": true,
          "schema": {"type": "string", "pattern": "^bytes ([0-9]+-[0-9]+|\\*)/[0-9]+$"}
        },
        "Content-Disposition": {"required": true, "schema": {"type": "string"}},
        "ETag": {
          "description": "The SHA-256, quoted",
          "required": true,
          "schema": {"type": "string", "pattern": "^\"[0-9a-f]{64}\"$"}
        },
        "Repr-Digest": {
          "description": "RFC 9530: `sha-256=:…:`",
          "required": true,
          "schema": {"type": "string", "pattern": "^sha-256=:[A-Za-z0-9+/]{43}=:$"}
        },
        "Accept-Ranges": {"required": true, "schema": {"const": "bytes"}},
        "Cache-Control": {
          "description": "What a file is never changes. `private` where a token was shown",
          "required": true,
          "schema": {"enum": ["public, max-age=31536000, immutable", "private, no-cache"]}
        }
        """#

    /// How a caller shows who it is.
    static let securitySchemes = #"""
        "bearer": {
          "type": "http",
          "scheme": "bearer",
          "description": "A token of `kettle token create`, or an identity token (JWT) of a provider that the \#
        operator named. A service without accounts takes no notice of it; elsewhere a token that is not accepted is \#
        refused on every route (401, or 503 with `access.issuer_unreachable` while the provider's keys cannot be \#
        had), and without one only public builds can be read."
        }
        """#
}
