/// A failure told to the person or program that caused it.
///
/// One enum per domain conforms to it, beside the code that throws it. What only the operator may know, such as a path of
/// the host or another error's text, goes to the log and never into `message` or `hint`.
public protocol UserFacingError: Error, Sendable {
    /// A stable name, `domain.what_went_wrong`. Part of the API: never renamed, never reused.
    var code: String { get }

    /// One sentence in lower case, without a full stop, that names the offending value.
    var message: String { get }

    /// What the caller can do next, where there is something to do.
    var hint: String? { get }
}
