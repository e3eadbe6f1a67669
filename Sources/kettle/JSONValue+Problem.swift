import KettleError
import KettleProvenance

extension JSONValue {
    /// What is wrong, as the API and the command line tell it: `code`, `message` and, where there is one, `hint`.
    init(problem: any UserFacingError) {
        var fields: [String: JSONValue] = ["code": .string(problem.code), "message": .string(problem.message)]
        if let hint = problem.hint { fields["hint"] = .string(hint) }
        self = .object(fields)
    }
}
