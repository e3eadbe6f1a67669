import KettleProvenance

/// Members by their names and elements by their numbers, from the outside in.
typealias JSONPath = [String]

extension JSONValue {
    /// Every member and every element, however deep, parents before children.
    func paths(below path: JSONPath = []) -> [JSONPath] {
        switch self {
        case .object(let members):
            members.sorted { $0.key < $1.key }.flatMap { [path + [$0.key]] + $0.value.paths(below: path + [$0.key]) }
        case .array(let elements):
            elements.enumerated().flatMap { [path + [String($0)]] + $1.paths(below: path + [String($0)]) }
        default: []
        }
    }

    subscript(path: JSONPath) -> JSONValue? {
        path.reduce(self) { value, step in
            switch value {
            case .object(let members)?: members[step]
            case .array(let elements)?: Int(step).flatMap { elements.indices.contains($0) ? elements[$0] : nil }
            default: nil
            }
        }
    }

    /// The document with what stands at a path changed; left out for nil, and an array's element replaced by several.
    func changing(_ path: ArraySlice<String>, _ change: (JSONValue) -> [JSONValue]) -> JSONValue {
        guard let step = path.first else { return self }
        let rest = path.dropFirst()
        switch self {
        case .object(var members):
            guard let member = members[step] else { return self }
            members[step] = rest.isEmpty ? change(member).first : member.changing(rest, change)
            return .object(members)
        case .array(var elements):
            guard let index = Int(step), elements.indices.contains(index) else { return self }
            let changed = rest.isEmpty ? change(elements[index]) : [elements[index].changing(rest, change)]
            elements.replaceSubrange(index...index, with: changed)
            return .array(elements)
        default: return self
        }
    }

    /// The document without what stands at a path.
    func without(_ path: JSONPath) -> JSONValue { changing(path[...]) { _ in [] } }

    /// The document's text with the member at a path written twice, which no ``JSONValue`` can hold.
    func text(repeating path: ArraySlice<String>) -> String {
        switch self {
        case .object(let members):
            let texts = members.sorted { $0.key < $1.key }.flatMap { name, member in
                let rest = path.first == name ? path.dropFirst() : nil
                let text = "\(JSONValue.string(name).canonicalString()):\(member.text(repeating: rest ?? []))"
                return rest?.isEmpty == true ? [text, text] : [text]
            }
            return "{\(texts.joined(separator: ","))}"
        case .array(let elements):
            let texts = elements.enumerated().map { index, element in
                element.text(repeating: path.first == String(index) ? path.dropFirst() : [])
            }
            return "[\(texts.joined(separator: ","))]"
        default: return canonicalString()
        }
    }
}
