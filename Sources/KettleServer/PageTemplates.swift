import Mustache

/// The Mustache templates of the pages (`Sources/CWeb/Web/*.mustache`).
enum PageTemplates {
    /// Fills a template in; `{{…}}` is escaped for HTML.
    ///
    /// - Throws: What Mustache says of a template that it cannot read.
    static func render(_ name: String, _ content: some Any) throws -> String {
        try library.get().render(content, withTemplate: name) ?? ""
    }

    /// All of them, by their files' names.
    private static let library = Result<MustacheLibrary, any Error> {
        MustacheContentTypes.register(HTMLText(), named: "HTML-TEXT")
        var templates: [String: MustacheTemplate] = [:]
        for (name, file) in WebFiles.all where name.hasSuffix(".mustache") {
            let text = String(decoding: file.bytes, as: UTF8.self)
            templates[name] = try MustacheTemplate(string: "{{% CONTENT_TYPE:HTML-TEXT}}" + text)
        }
        return MustacheLibrary(templates: templates)
    }

    /// Mustache's own escaping looks at characters as people see them: a quotation mark with an accent on it is none to it, and
    /// ends an attribute for a browser.
    private struct HTMLText: MustacheContentType {
        func escapeText(_ text: String) -> String { WebPage.escaped(text) }
    }
}
