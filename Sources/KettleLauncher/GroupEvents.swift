/// The counters of a control group: lines of a name, a space and a number.
package enum GroupEvents {
    package static func count(_ name: String, in text: String) -> Int {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2, parts[0] == name { return Int(parts[1]) ?? 0 }
        }
        return 0
    }
}
