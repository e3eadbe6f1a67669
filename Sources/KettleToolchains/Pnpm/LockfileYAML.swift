import Yams

/// A document in the part of YAML that pnpm writes its lockfile in.
indirect enum LockfileYAML: Sendable, Hashable {
    /// As it was written: `1.10` and `no` are texts, whatever YAML makes of them. Nothing at all is the empty text.
    case text(String)
    case list([LockfileYAML])
    case map([String: LockfileYAML])

    subscript(key: String) -> LockfileYAML? {
        if case .map(let members) = self { members[key] } else { nil }
    }

    var textValue: String? { if case .text(let text) = self { text } else { nil } }
    var listValue: [LockfileYAML]? { if case .list(let list) = self { list } else { nil } }
    var mapValue: [String: LockfileYAML]? { if case .map(let members) = self { members } else { nil } }

    /// Why a document is not one. Lines are counted from 1.
    struct Malformed: Error, Hashable {
        var line: Int?
        var reason: String
    }

    /// Reads a document of anyone's: what ``LockfileYAMLGuard`` lets through, with Yams.
    init(parsing bytes: [UInt8]) throws(Malformed) {
        guard bytes.count <= PnpmLock.limitInBytes else { throw Malformed(line: nil, reason: "it is too long") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Malformed(line: nil, reason: "it is not UTF-8")
        }
        var yamlGuard = LockfileYAMLGuard()
        try yamlGuard.check(text)
        self = try Self.value(of: try Self.composed(text))
    }

    private static func composed(_ text: String) throws(Malformed) -> Node {
        let node: Node?
        do {
            // Without the rules by which YAML 1.1 takes texts for numbers and dates: Yams would compare keys by them, so that
            // `1` and `'1'` were two. Named, the encoding does not depend on the environment.
            node = try compose(yaml: text, .basic, .default, .utf8)
        } catch let error as YamlError {
            throw Malformed(error)
        } catch {
            throw Malformed(line: nil, reason: "it is not YAML")
        }
        guard let node else { throw Malformed(line: nil, reason: "it is empty") }
        return node
    }

    private static func value(of node: Node) throws(Malformed) -> LockfileYAML {
        switch node {
        case .scalar(let scalar): return .text(scalar.string)
        case .sequence(let sequence):
            var list: [LockfileYAML] = []
            for item in sequence { list.append(try value(of: item)) }
            return .list(list)
        case .mapping(let mapping):
            var members: [String: LockfileYAML] = [:]
            for (key, content) in mapping {
                guard let name = key.scalar?.string else {
                    throw Malformed(line: key.mark?.line, reason: "a key is not a string")
                }
                // What stands below it belongs to the mapping around it for some readers, js-yaml among them.
                guard name != "<<" else { throw Malformed(line: key.mark?.line, reason: "it has a merge key") }
                guard members.updateValue(try value(of: content), forKey: name) == nil else {
                    throw Malformed(line: key.mark?.line, reason: "\"\(name)\" is listed twice")
                }
            }
            return .map(members)
        case .alias: throw Malformed(line: node.mark?.line, reason: "it has an alias")
        }
    }
}

extension LockfileYAML.Malformed {
    /// Leaves out the document, which Yams' errors carry whole.
    fileprivate init(_ error: YamlError) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            self.init(line: mark.line, reason: problem)
        case .duplicatedKeysInMapping(let keys, let context):
            self.init(line: context.mark.line, reason: "\"\(keys.first ?? "")\" is listed twice")
        case .reader(let problem, _, _, _): self.init(line: nil, reason: problem)
        default: self.init(line: nil, reason: "it is not YAML")
        }
    }
}
