/// A table under construction, with what TOML's rules on defining twice need to know.
final class TOMLTree {
    enum Node {
        case value(TOMLValue)
        case table(TOMLTree)
        /// `[[name]]`: each use adds a table.
        case tables(List)
    }

    /// A class, so that adding the next of many tables does not copy the others.
    final class List {
        var tables: [TOMLTree] = []
    }

    /// How a table came about. Each kind may be extended in its own way only.
    enum Kind {
        /// A parent in a `[a.b]` header: may still get a header of its own.
        case implied
        /// Named by a `[header]`, or the document itself.
        case header
        /// Made by a dotted key.
        case dotted
    }

    var kind: Kind
    private(set) var nodes: [String: Node] = [:]

    init(_ kind: Kind) { self.kind = kind }

    /// The table of a `[a.b.c]` header.
    ///
    /// - Returns: nil when the name is taken.
    func open(header path: [String]) -> TOMLTree? {
        guard let last = path.last, let parent = parent(of: path) else { return nil }
        switch parent.nodes[last] {
        case nil:
            let table = TOMLTree(.header)
            parent.nodes[last] = .table(table)
            return table
        case .table(let table) where table.kind == .implied:
            table.kind = .header
            return table
        default: return nil
        }
    }

    /// The new table of a `[[a.b.c]]` header.
    func append(header path: [String]) -> TOMLTree? {
        guard let last = path.last, let parent = parent(of: path) else { return nil }
        let list: List
        switch parent.nodes[last] {
        case nil:
            list = List()
            parent.nodes[last] = .tables(list)
        case .tables(let present): list = present
        default: return nil
        }
        let table = TOMLTree(.header)
        list.tables.append(table)
        return table
    }

    private func parent(of path: [String]) -> TOMLTree? {
        var table = self
        for key in path.dropLast() {
            switch table.nodes[key] {
            case nil:
                let next = TOMLTree(.implied)
                table.nodes[key] = .table(next)
                table = next
            case .table(let next) where next.kind != .dotted: table = next
            case .tables(let list):
                guard let next = list.tables.last else { return nil }
                table = next
            default: return nil
            }
        }
        return table
    }

    /// Sets `a.b.c = value`.
    ///
    /// - Returns: false when the name is taken.
    func set(_ path: [String], to value: TOMLValue) -> Bool {
        guard let last = path.last else { return false }
        var table = self
        for key in path.dropLast() {
            switch table.nodes[key] {
            case nil:
                let next = TOMLTree(.dotted)
                table.nodes[key] = .table(next)
                table = next
            case .table(let next) where next.kind == .dotted: table = next
            default: return false
            }
        }
        guard table.nodes[last] == nil else { return false }
        table.nodes[last] = .value(value)
        return true
    }

    /// The finished table. Recursion goes as deep as keys have parts, which the reader bounds.
    var finished: TOMLTable {
        nodes.mapValues { node in
            switch node {
            case .value(let value): value
            case .table(let table): .table(table.finished)
            case .tables(let list): .array(list.tables.map { .table($0.finished) })
            }
        }
    }
}
