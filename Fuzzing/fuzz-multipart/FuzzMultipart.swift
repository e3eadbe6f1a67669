import CFuzzer
import Glibc
import KettleMultipart

@main
enum FuzzMultipart {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
                FuzzMultipart.check(FuzzedForm(UnsafeRawBufferPointer(start: bytes, count: count)))
                return 0
            })
    }

    /// Reads a form whole and in pieces, and ends the process where the two differ or break a rule.
    private static func check(_ form: FuzzedForm) {
        let whole = FormReading(form, inPieces: false)
        let split = FormReading(form, inPieces: true)
        whole.checkRules(of: form)
        split.checkRules(of: form)
        if form.body.count <= form.limits.totalBytes {
            expect(whole.parts == split.parts, "the same parts, whole and in pieces")
            expect(whole.hasEnded == split.hasEnded, "the same end, whole and in pieces")
            expect(whole.error == split.error, "the same error, whole and in pieces")
        } else {
            // A body that is too long is refused with the first piece that goes past the limit, whatever came before it.
            expect(whole.error == .tooLarge(limitInBytes: form.limits.totalBytes), "a refusal of a body too long")
            expect(split.error != nil, "a refusal of a body too long, in pieces")
        }
        if whole.error == nil { checkRoundTrip(whole, form) }
    }

    /// What was read, written out again, reads the same.
    private static func checkRoundTrip(_ reading: FormReading, _ form: FuzzedForm) {
        var again = form
        again.limits = .init()
        again.limits.headerBytes = 2 * form.limits.headerBytes + 1024
        again.body = reading.encoded(boundary: form.boundary)
        let second = FormReading(again, inPieces: true)
        expect(second.error == nil, "a form that was written out to be read")
        expect(second.parts == reading.parts, "the parts that were written out")
    }
}

/// Ends the process, which libFuzzer reports as a finding, unless a property holds.
func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
    guard !holds else { return }
    fatalError("expected \(what())")
}
