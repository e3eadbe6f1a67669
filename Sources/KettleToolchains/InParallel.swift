import Dispatch
import Synchronization

/// Does something for each element, on all processors at once, and waits until all of it is done.
///
/// Blocks: for threads that may.
///
/// - Returns: The results, in the order of the elements.
/// - Throws: The error of the first element, in their order, for which it failed. What comes after the first failure that
///   is seen is not begun any more.
func inParallel<Element: Sendable, Value: Sendable>(
    _ elements: [Element], _ body: @escaping @Sendable (Element) throws(ToolchainError) -> Value
) throws(ToolchainError) -> [Value] {
    let results = Mutex<[Result<Value, ToolchainError>?]>(Array(repeating: nil, count: elements.count))
    let hasFailed = Atomic(false)
    DispatchQueue.concurrentPerform(iterations: elements.count) { index in
        guard !hasFailed.load(ordering: .relaxed) else { return }
        let result = Result { () throws(ToolchainError) in try body(elements[index]) }
        if case .failure = result { hasFailed.store(true, ordering: .relaxed) }
        results.withLock { $0[index] = result }
    }
    let done = results.withLock { $0 }
    var values: [Value] = []
    values.reserveCapacity(done.count)
    for case .failure(let error)? in done { throw error }
    for case .success(let value)? in done { values.append(value) }
    return values
}
