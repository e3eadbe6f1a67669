import KettleAttestation

/// The base64url of RFC 4648 section 5, without padding when written.
enum Base64URL {
    static func encode(_ bytes: [UInt8]) -> String {
        String(
            Base64.encode(bytes).compactMap { letter -> Character? in
                switch letter {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: letter
                }
            })
    }

    /// Nil unless `text` is the one text of its bytes, padded or not.
    static func decode(_ text: String) -> [UInt8]? {
        guard !text.contains("+"), !text.contains("/") else { return nil }
        var letters = text.replacing("-", with: "+").replacing("_", with: "/")
        if !letters.contains("=") { letters += String(repeating: "=", count: (4 - letters.utf8.count % 4) % 4) }
        return Base64.decode(letters)
    }
}
