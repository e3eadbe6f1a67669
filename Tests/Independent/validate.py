#!/usr/bin/env python3
"""Reads what Kettle wrote with programs that are not Kettle's.

usage: validate.py BUNDLE PROOF ROOT PASSED_VSA FAILED_VSA VERDICT...

in-toto's own bindings read the statement and its SLSA predicate, where an unknown field is an error; a JSON Schema of SLSA provenance v1 and one of the verdict judge them; rfc8785 writes the statement again, byte for
byte; cyclonedx checks the bill of materials; pymerkle computes the input tree and checks the inclusion proof.
"""
import json
import sys
from pathlib import Path

import jsonschema
import rfc8785
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from pymerkle import InmemoryTree
from pymerkle.proof import MerkleProof, verify_inclusion

here = Path(__file__).parent
bundle, proof_file, root = map(Path, sys.argv[1:4])
vsas, verdicts = [Path(p) for p in sys.argv[4:6]], [Path(p) for p in sys.argv[6:]]


def say(text):
    print("ok  ", text)


def read_statement(path, predicate):
    """Parses strictly: a member that in-toto's definitions do not have is an error."""
    message = json_format.Parse(path.read_bytes(), statement_pb2.Statement())
    Statement.copy_from_pb(message).validate()
    return predicate and json_format.Parse(json_format.MessageToJson(message.predicate), predicate)


raw = (bundle / "provenance.json").read_bytes()
statement = json.loads(raw)
provenance = read_statement(bundle / "provenance.json", provenance_pb2.Provenance())
assert len(provenance.build_definition.resolved_dependencies) >= 3
assert provenance.run_details.builder.id.startswith("https://kettle.build/builder/")
say("in-toto reads the statement and its SLSA provenance")

schema = json.loads((here / "slsa-provenance-v1.schema.json").read_text())
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(statement)
say("the statement has the schema of SLSA provenance v1")

assert rfc8785.dumps(statement) == raw
say("rfc8785 writes the same bytes")

bill = (bundle / "sbom.cdx.json").read_bytes()
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill.decode())
assert error is None, error
assert rfc8785.dumps(json.loads(bill)) == bill
say("CycloneDX 1.6 accepts the bill of materials")

entries = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
tree = InmemoryTree(algorithm="sha256")
for entry in entries:
    tree.append_entry(rfc8785.dumps(entry))
claimed = next(b for b in statement["predicate"]["runDetails"]["byproducts"] if b["name"] == "input_merkle_root")
assert tree.get_root().hex() == claimed["digest"]["sha256"] == root.name
proof = json.loads(proof_file.read_bytes())
theirs = tree.prove_inclusion(proof["leaf_index"] + 1, len(entries))
assert [digest.hex() for digest in theirs.path][1:] == proof["path"]
assert proof["leaf"] == entries[proof["leaf_index"]] and proof["tree_size"] == len(entries)
verify_inclusion(tree.get_leaf(proof["leaf_index"] + 1), tree.get_root(), theirs)
say("pymerkle has the same root and the same audit path")

# in-toto's definition of the predicate (0.9.3) has one level where SLSA's has a list, so a schema judges it.
schema = json.loads((here / "slsa-vsa-v1.schema.json").read_text())
jsonschema.Draft202012Validator.check_schema(schema)
for path, result, level in [(vsas[0], "PASSED", "SLSA_BUILD_LEVEL_1"), (vsas[1], "FAILED", "FAILED")]:
    read_statement(path, None)
    summary = json.loads(path.read_bytes())
    assert summary["predicateType"] == "https://slsa.dev/verification_summary/v1"
    jsonschema.Draft202012Validator(schema).validate(summary["predicate"])
    assert summary["predicate"]["verificationResult"] == result
    assert summary["predicate"]["verifiedLevels"] == [level]
    assert summary["subject"] == statement["subject"]
    assert rfc8785.dumps(summary) == path.read_bytes()
say("verification summaries have the schema of SLSA VSA v1")

schema = json.loads((here / "../../docs/schemas/verdict-v1.json").read_text())
jsonschema.Draft202012Validator.check_schema(schema)
outcomes = set()
for path in verdicts:
    verdict = json.loads(path.read_bytes())
    jsonschema.Draft202012Validator(schema).validate(verdict)
    outcomes.add(verdict["outcome"])
assert outcomes == {"accepted", "rejected", "undetermined"}, outcomes
say("verdicts of every outcome have the schema that they name")
