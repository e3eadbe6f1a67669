/// Reads the command lines that scripts write, such as `FILE --at TIME --json`, where ArgumentParser takes longer than the
/// command that was meant: 3 ms of 4, nearly all of it to look types up at run time.
///
/// It only takes lines that can be read in one way: each option once, its name and its value as two arguments, no value that
/// begins with a dash. ArgumentParser reads every other line, and words every complaint.
struct PlainArguments {
    /// What was not taken out; an empty one stands where something was, so that no two come together that were apart.
    private var rest: [String]
    /// Whether everything so far was plain.
    private var isPlain: Bool

    /// - Parameter arguments: What follows the command's name.
    init(_ arguments: [String]) {
        rest = arguments
        isPlain = !arguments.contains { $0.isEmpty || $0.utf8.elementsEqual("--".utf8) }
    }

    /// Takes out an option with a value.
    mutating func option(_ name: String) -> String? {
        guard let values = take(name, atMost: 1) else { return nil }
        return values.first
    }

    /// Takes out an option that may be repeated, with one value each time.
    mutating func options(_ name: String) -> [String] {
        var all: [String] = []
        while let values = take(name, atMost: 1, mayBeRepeated: true), let value = values.first { all.append(value) }
        return all
    }

    /// Takes out an option that may be repeated, with all values up to the next option (`.upToNextOption`).
    mutating func list(_ name: String) -> [String] {
        var all: [String] = []
        while let values = take(name, atMost: .max, mayBeRepeated: true), !values.isEmpty { all += values }
        return all
    }

    /// Takes out a flag.
    mutating func flag(_ name: String) -> Bool { take(name, atMost: 0) != nil }

    /// Takes out what belongs to no option. To be asked for last, like ``isUsedUp``.
    mutating func argument() -> String? {
        guard let place = rest.firstIndex(where: { !$0.isEmpty }), !isOption(rest[place]) else { return nil }
        defer { rest[place] = "" }
        return rest[place]
    }

    /// Whether all was plain and nothing is left.
    var isUsedUp: Bool { isPlain && rest.allSatisfy { $0.isEmpty } }

    private mutating func take(_ name: String, atMost limit: Int, mayBeRepeated: Bool = false) -> [String]? {
        guard let place = rest.firstIndex(of: name) else { return nil }
        let values = Array(rest[(place + 1)...].prefix { !$0.isEmpty && !isOption($0) }.prefix(limit))
        rest.replaceSubrange(place...place + values.count, with: [""])
        if limit > 0 && values.isEmpty || !mayBeRepeated && rest.contains(name) { isPlain = false }
        return values
    }

    private func isOption(_ argument: String) -> Bool { argument.utf8.first == UInt8(ascii: "-") }
}
