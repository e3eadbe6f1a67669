extension OpenAPIDocument {
    /// The JSON that is sent and answered.
    static let schemas = #"""
        "BuildID": {"type": "string", "pattern": "^[0-9a-f]{24,64}$", "description": "At least 96 random bits"},
        "Nonce": {"type": "string", "pattern": "^[0-9a-fA-F](-?[0-9a-fA-F]){31}$"},
        "EventNumber": {"type": "integer", "minimum": 0, "maximum": 9223372036854775807},
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
        "VerificationForm": {
          "type": "object",
          "description": "Each part once, but software_key and measurement, which may also have several lines.",
          "required": ["bundle"],
          "additionalProperties": false,
          "properties": {
            "bundle": {
              "description": "A ZIP or tar.gz archive, told by its content",
              "type": "string",
              "contentMediaType": "application/octet-stream"
            },
            "policy": {"type": "string", "description": "The text of a policy file", "maxLength": 1048576},
            "nonce": {"$ref": "#/components/schemas/Nonce"},
            "source": {
              "type": "string",
              "description": "A repository or an archive, or one of them ending in /*",
              "examples": ["https://forge.example/acme/*"]
            },
            "commit": {"type": "string", "pattern": "^([0-9a-fA-F]{40}|[0-9a-fA-F]{64})$"},
            "builder": {"type": "string", "pattern": "^https://.*$"},
            "maximum_age": {"type": "string", "pattern": "^[0-9]+[smhd]$"},
            "software_key": {
              "type": "array",
              "items": {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"},
              "description": "SHA-256 of the keys whose word is taken"
            },
            "measurement": {"type": "array", "items": {"type": "string", "pattern": "^[0-9a-fA-F]{96}$"}},
            "at": {"type": "string", "description": "A time in UTC, or `build`"},
            "any_measurement": {"enum": ["true", "false"]},
            "without_artifacts": {"enum": ["true", "false"]}
          }
        },
        "Verdict": {
          "type": "object",
          "required": ["schema", "outcome", "findings"],
          "description": "By its own schema, docs/schemas/verdict-v1.json",
          "properties": {
            "schema": {"const": "https://kettle.build/verdict/v1"},
            "outcome": {"enum": ["accepted", "rejected", "undetermined"]},
            "findings": {
              "type": "array",
              "minItems": 1,
              "items": {
                "type": "object",
                "required": ["status", "code", "message"],
                "properties": {"status": {"enum": ["passed", "failed", "undetermined", "not-checked"]}}
              }
            }
          }
        },
        "BuildForm": {
          "type": "object",
          "description": "Exactly one of `source` and `repo_url`; each part once. A text that is empty counts as \#
        left out.",
          "properties": {
            "source": {
              "description": "A ZIP or tar.gz archive, told by its content",
              "type": "string",
              "contentMediaType": "application/octet-stream"
            },
            "repo_url": {
              "type": "string",
              "format": "uri",
              "description": "An https git URL; others only where the operator allows them",
              "maxLength": 8192
            },
            "ref": {
              "type": "string",
              "description": "Branch, tag or commit; with `repo_url` only. Default: the remote's default branch",
              "maxLength": 8192
            },
            "nonce": {
              "anyOf": [{"$ref": "#/components/schemas/Nonce"}, {"const": ""}],
              "description": "16 bytes as hex; a dash may stand between two digits; bound into the evidence"
            },
            "path": {"type": "string", "description": "The project's folder inside the source", "maxLength": 8192},
            "toolchain": {
              "type": "string",
              "description": "The toolchain to build with, by name, where a folder holds several projects. Default: the \#
        first that finds a project of its own, in the order nix, cargo, pnpm, npm, go, uv, swift",
              "maxLength": 8192
            },
            "visibility": {
              "enum": ["public", "private", ""],
              "description": "Who may read the build. Default: private to its owner, or public where the service \#
        has no accounts"
            }
          },
          "oneOf": [{"required": ["source"], "not": {"required": ["ref"]}}, {"required": ["repo_url"]}],
          "additionalProperties": false
        },
        "BuildJSON": {
          "type": "object",
          "description": "The later published form, of at most 16 MiB. Exactly one of `source_data` and `repo_url`; \#
        null counts as left out, and so does a text that is empty.",
          "properties": {
            "source_data": {
              "type": ["string", "null"],
              "contentEncoding": "base64",
              "description": "A ZIP or tar.gz archive"
            },
            "source_name": {"type": ["string", "null"], "description": "The archive's file name"},
            "repo_url": {"type": ["string", "null"], "format": "uri"},
            "repo_ref": {"type": ["string", "null"], "description": "With `repo_url` only"},
            "nonce": {"anyOf": [{"$ref": "#/components/schemas/Nonce"}, {"enum": ["", null]}]},
            "path": {"type": ["string", "null"], "description": "The project's folder inside the source"},
            "toolchain": {"type": ["string", "null"], "description": "The toolchain to build with, by name"},
            "visibility": {"enum": ["public", "private", "", null]}
          },
          "additionalProperties": false,
          "oneOf": [{"required": ["source_data"]}, {"required": ["repo_url"]}]
        },
        "Job": {
          "type": "object",
          "required": ["job_id"],
          "properties": {"job_id": {"$ref": "#/components/schemas/BuildID"}}
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
            "build_id": {"allOf": [{"$ref": "#/components/schemas/BuildID"}], "description": "On the first event"},
            "stream": {"enum": ["stdout", "stderr"], "description": "On a line of the build's own output"},
            "position": {"type": "integer", "minimum": 1, "description": "While queued"},
            "time_ms": {
              "type": "integer",
              "description": "On what Kettle itself says: when, in milliseconds since 1970-01-01T00:00:00Z"
            }
          }
        },
        "CompleteEvent": {
          "type": "object",
          "required": ["type", "result"],
          "properties": {"type": {"const": "complete"}, "result": {"$ref": "#/components/schemas/Result"}}
        },
        "TypedEvent": {
          "oneOf": [
            {
              "type": "object",
              "required": ["type", "msg"],
              "properties": {
                "type": {"enum": ["queued", "init", "detect", "build", "provenance", "attest"]},
                "msg": {"type": "string"},
                "position": {"type": "integer", "minimum": 1, "description": "With `queued`"}
              }
            },
            {
              "type": "object",
              "required": ["type", "status"],
              "properties": {"type": {"const": "complete"}, "status": {"const": "ok"}}
            },
            {
              "type": "object",
              "required": ["type", "status", "error", "error_type"],
              "properties": {
                "type": {"const": "complete"},
                "status": {"const": "failed"},
                "error": {"type": "string"},
                "error_type": {"$ref": "#/components/schemas/ErrorType"}
              }
            }
          ]
        },
        "Result": {"oneOf": [{"$ref": "#/components/schemas/Success"}, {"$ref": "#/components/schemas/Failure"}]},
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
            "error_type": {"$ref": "#/components/schemas/ErrorType"},
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
        "ErrorType": {
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
        "Build": {
          "type": "object",
          "required": ["build_id", "status", "source", "created_at", "url"],
          "description": "A build in a list, or one that has not ended: then its result stands in its place.",
          "properties": {
            "build_id": {"$ref": "#/components/schemas/BuildID"},
            "status": {"enum": ["queued", "running", "success", "failed"]},
            "source": {"type": "string"},
            "ref": {"type": "string"},
            "created_at": {"type": "string", "format": "date-time"},
            "finished_at": {"type": "string", "format": "date-time"},
            "url": {"type": "string", "format": "uri-reference"},
            "build_system": {"type": "string"},
            "position": {"type": "integer", "minimum": 1, "description": "While queued: 1 is next"},
            "pruned": {"const": true, "description": "Retention took its files; its statement and evidence stay"}
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
          "required": ["type", "title", "status", "detail", "code"],
          "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string"},
            "code": {
              "type": "string",
              "pattern": "^[a-z0-9_]+\\.[a-z0-9_]+$",
              "description": "Stable, for programs"
            },
            "hint": {"type": "string", "description": "What to do next"}
          }
        }
        """#
}
