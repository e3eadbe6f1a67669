import Foundation

/// The address of a service that is asked over HTTP.
struct WebAddress {
    /// Without slashes at its end.
    let text: String

    /// - Returns: nil unless it begins with `https://` or `http://` and has a host.
    init?(_ text: String) {
        guard let url = URL(string: text), let host = url.host, !host.isEmpty,
            url.scheme == "https" || url.scheme == "http"
        else { return nil }
        self.text = String(text.reversed().drop { $0 == "/" }.reversed())
    }
}
