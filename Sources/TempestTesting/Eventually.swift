// Waiting in tests: for a condition or an event, always with a deadline.
// Used wherever a test cannot be told when something has happened.

/// Asks again and again, every 5 ms, until the condition holds.
///
/// - Throws: TestingError when it does not hold within the time; what the condition throws.
public func eventually(
    within limit: Duration = .seconds(30), _ what: String, _ condition: () async throws -> Bool
) async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while try await !condition() {
        guard clock.now < deadline else { throw TestingError("\(what): not within \(limit)") }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// Runs the operation, and cancels it when it takes longer than the limit.
///
/// - Throws: TestingError when the time has passed; what the operation throws.
public func withDeadline<R: Sendable>(
    _ limit: Duration = .seconds(30), _ what: String, _ operation: @escaping @Sendable () async throws -> R
) async throws -> R {
    try await withThrowingTaskGroup(of: R.self) { group in
        group.addTask { try await operation() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw TestingError("\(what): not within \(limit)")
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw CancellationError() }
        return first
    }
}
