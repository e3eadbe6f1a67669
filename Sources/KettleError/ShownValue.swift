extension UserFacingError {
    /// A stranger's value inside a message: short, in quotes, and harmless on a terminal.
    package static func shown(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars.prefix(200) {
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
                text.unicodeScalars.append("\u{FFFD}")
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + (value.unicodeScalars.count > 200 ? "…\"" : "\"")
    }
}
