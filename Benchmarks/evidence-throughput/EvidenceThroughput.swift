import Glibc
import KettleAttestation
import KettleProvenance

/// Verifies pieces of evidence over and over with one verifier, from their JSON on, and prints for each how many it verifies in
/// a second of processor time.
///
///     evidence-throughput SECONDS (FILE TIME)...
@main
enum EvidenceThroughput {
    static func main() throws {
        var arguments = CommandLine.arguments.dropFirst()
        guard let seconds = arguments.popFirst().flatMap(Double.init), arguments.count.isMultiple(of: 2) else {
            fatalError("usage: evidence-throughput SECONDS (FILE TIME)...")
        }
        let verifier = EvidenceVerifier()
        while let path = arguments.popFirst(), let time = arguments.popFirst().flatMap(Statement.Timestamp.init(text:))
        {
            let bytes = contents(of: path)
            // The first one checks certificates that the others find checked.
            _ = try verifier.verify(try Evidence(parsing: bytes), at: time)
            var count = 0.0
            let start = processorTime()
            repeat {
                for _ in 0..<16 { _ = try verifier.verify(try Evidence(parsing: bytes), at: time) }
                count += 16
            } while processorTime() - start < seconds
            print(count / (processorTime() - start))
        }
    }

    private static func processorTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func contents(of path: String) -> [UInt8] {
        guard let file = fopen(path, "r") else { fatalError("\(path) cannot be read") }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        return Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
    }
}
