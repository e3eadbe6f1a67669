import KettleStore

/// A build's state as a picture of 20 pixels' height, in the form that readme files are used to.
struct BuildBadge: Sendable {
    let state: BuildRecord.State
    /// Whether evidence stands behind it.
    let isSigned: Bool

    /// What the picture says, for those who cannot see it.
    var text: String { "Kettle: \(word)" }

    private var word: String {
        switch state {
        case .success: isSigned ? "attested" : "built"
        case .failed: "failed"
        case .running: "building"
        }
    }

    private var colour: String {
        switch state {
        case .success: "#116329"
        case .failed: "#a40e26"
        case .running: "#7d4e00"
        }
    }

    /// The picture. Every word in it is Kettle's own.
    var svg: String {
        let (left, right) = (48, 14 + 7 * word.utf8.count)
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(left + right)" height="20" role="img" aria-label="\(text)">
            <title>\(text)</title>
            <clipPath id="r"><rect width="\(left + right)" height="20" rx="3"/></clipPath>
            <g clip-path="url(#r)"><rect width="\(left)" height="20" fill="#3b434b"/>\
            <rect x="\(left)" width="\(right)" height="20" fill="\(colour)"/></g>
            <g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
            <text x="\(left / 2)" y="14">Kettle</text><text x="\(left + right / 2)" y="14">\(word)</text></g>
            </svg>

            """
    }
}
