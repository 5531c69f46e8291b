// A process that a test or the demonstration has started, as seen from outside: its lines, its end, and signals to it.
// Lives within ProcessRunner.run.

import Subprocess
import Synchronization

/// A running process. What it writes to its standard output and error is kept line by line.
public final class ChildProcess: Sendable {
    private struct State {
        var processID: Int32 = 0
        /// Present while the process runs, and its id belongs to nobody else.
        var sender: (@Sendable (ProcessSignal) throws -> Void)?
        /// The first line that `waitForLine` has not passed yet.
        var cursor = 0
    }

    /// What messages call it.
    public let name: String
    private let state = Mutex(State())
    private let log = ReplayLog<String>()
    private let started = ReplayLog<Int32>()
    private let status = ReplayLog<ExitStatus>()

    init(name: String) { self.name = name }

    /// Its process id; 0 before it has started.
    public var processID: Int32 { self.state.withLock { $0.processID } }

    /// Its lines from the first one on, those written before too; ends with the process. May be read any number of times.
    public var lines: AsyncStream<String> { self.log.stream() }

    /// What it has written so far.
    public var output: [String] { self.log.elements }

    /// How it ended; nil while it runs.
    public var exitStatus: ExitStatus? { self.status.elements.first }

    /// Sends a signal.
    ///
    /// - Throws: TestingError when it has ended.
    public func send(_ signal: ProcessSignal) throws {
        guard let sender = self.state.withLock({ $0.sender }) else {
            throw TestingError("\(self.name) does not run (any more): no signal can be sent to it")
        }
        try sender(signal)
    }

    /// Waits for a line that satisfies the predicate, beginning after the one that the last call found.
    ///
    /// - Throws: TestingError with the last lines, when it does not come in time or the process ends before.
    @discardableResult
    public func waitForLine(
        within limit: Duration = .seconds(20), where predicate: @escaping @Sendable (String) -> Bool
    ) async throws -> String {
        let start = self.state.withLock { $0.cursor }
        let stream = self.log.stream(from: start)
        let found: (line: String, next: Int)?
        do {
            found = try await withDeadline(limit, "the line") {
                var index = start
                for await line in stream {
                    index += 1
                    if predicate(line) { return (line, index) }
                }
                return nil
            }
        } catch is TestingError {
            throw TestingError("\(self.name) did not write the line that was waited for within \(limit); \(self.tail)")
        }
        guard let found else {
            try Task.checkCancellation()
            throw TestingError("\(self.name) ended before it wrote the line that was waited for; \(self.tail)")
        }
        self.state.withLock { $0.cursor = max($0.cursor, found.next) }
        return found.line
    }

    /// Waits until it has ended.
    ///
    /// - Throws: TestingError with the last lines when it still runs after the limit.
    @discardableResult
    public func waitForExit(within limit: Duration = .seconds(20)) async throws -> ExitStatus {
        let stream = self.status.stream()
        do {
            let status = try await withDeadline(limit, "the end") { await stream.first { _ in true } }
            if let status { return status }
        } catch is TestingError {
            throw TestingError("\(self.name) still runs after \(limit); \(self.tail)")
        }
        try Task.checkCancellation()
        throw TestingError("\(self.name) could not be started")
    }

    /// Asks it to end, and ends it by force when it has not after the grace period.
    public func end(grace: Duration = .seconds(5)) async {
        guard (try? self.send(.terminate)) != nil else { return }
        if (try? await self.waitForExit(within: grace)) == nil { try? self.send(.kill) }
    }

    /// The last lines, for messages.
    var tail: String {
        let lines = self.output.suffix(20)
        return lines.isEmpty ? "it wrote nothing" : "its last lines:\n" + lines.joined(separator: "\n")
    }

    /// True once it runs, false when it could not be started.
    func hasStarted() async -> Bool {
        await self.started.stream().first { _ in true } != nil
    }

    /// Runs it to its end.
    func run(_ command: ProcessRunner) async throws {
        defer {
            self.state.withLock { $0.sender = nil }
            self.log.finish()
            self.started.finish()
            self.status.finish()
        }
        let (words, environment) = command.launch()
        let result = try await Subprocess.run(
            .name(words[0]), arguments: Arguments(Array(words.dropFirst())), environment: environment,
            input: .none, output: .sequence, error: .combinedWithOutput
        ) { execution in
            self.state.withLock { state in
                state.processID = execution.processIdentifier.value
                state.sender = { try execution.send(signal: Signal(rawValue: $0.rawValue)) }
            }
            self.started.append(execution.processIdentifier.value)
            for try await line in execution.standardOutput.strings(bufferingPolicy: .unbounded) { self.log.append(line) }
        }
        self.state.withLock { $0.sender = nil }
        self.log.finish()
        switch result.terminationStatus {
        case .exited(let code): self.status.append(.exited(code))
        case .signaled(let signal): self.status.append(.signaled(signal))
        }
    }
}
