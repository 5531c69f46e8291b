// The workers of the demonstration: one process a language, as a user would start them, each on a queue of its own and on the shared
// one; and one more with a single slot, for the order of levels.

import Foundation
import Tempest
import TempestTesting

struct DemoWorkers: Sendable {
    let root: String
    let redisURL: String
    let verbose: Bool

    /// Starts them, runs the body, and ends them with SIGTERM.
    func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await start(try commands()[...], body)
    }

    private func start(_ rest: ArraySlice<ProcessRunner>, _ body: @escaping @Sendable () async throws -> Void) async throws {
        guard let first = rest.first else { return try await body() }
        try await first.run { child in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await start(rest.dropFirst(), body) }
                group.addTask {
                    for await line in child.lines {
                        if verbose {
                            StandardError.write("\(child.name): \(Shown.escapingControls(line))\n")
                        }
                    }
                    // A worker lives as long as the demonstration; one that ends by itself ends it.
                    try Task.checkCancellation()
                    throw CommandFailure(
                        "the worker \(child.name) ended by itself:\n"
                            + child.output.suffix(15).map(Shown.escapingControls).joined(separator: "\n"))
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }

    private func commands() throws -> [ProcessRunner] {
        let variables = ProcessInfo.processInfo.environment
        let program = Bundle.main.executablePath ?? CommandLine.arguments[0]
        let environment: [String: String?] = ["REDIS_URL": redisURL]
        func queues(_ language: String) -> [String] { [Demo.queue(language), Demo.sharedQueue] }
        func client(_ path: String) throws -> String {
            let full = "\(root)/clients/\(path)"
            guard FileManager.default.fileExists(atPath: full) else { throw CommandFailure("\(full) is missing") }
            return full
        }
        return [
            ProcessRunner(
                program, ["demo-worker", "--concurrency", "4"] + queues("swift"),
                environment: environment.merging(["TEMPEST_PROCESS": "swift"]) { $1 }),
            ProcessRunner(
                variables["PYTHON"] ?? "/usr/bin/python3",
                [try client("python/examples/wordcount.py")] + queues("python") + ["--concurrency", "4"],
                environment: environment.merging(["TEMPEST_PROCESS": "python"]) { $1 }),
            ProcessRunner(
                variables["RUBY"] ?? "ruby",
                [try client("ruby/examples/wordcount.rb")] + queues("ruby") + ["--concurrency", "4"],
                environment: environment.merging(["TEMPEST_PROCESS": "ruby"]) { $1 }),
            ProcessRunner(
                program, ["demo-worker", "--concurrency", "1", Demo.orderQueue],
                environment: environment.merging(["TEMPEST_PROCESS": "order"]) { $1 }),
        ]
    }

    /// Waits until each queue has its workers.
    static func ready(_ client: TempestClient) async throws {
        let wanted =
            try Demo.languages.map { (try QueueName(Demo.queue($0)), 1) }
            + [(try QueueName(Demo.sharedQueue), Demo.languages.count), (try QueueName(Demo.orderQueue), 1)]
        let start = ContinuousClock.now
        for (queue, count) in wanted {
            while try await client.statistics(queue).processes < count {
                guard start.duration(to: .now) < .seconds(30) else {
                    throw CommandFailure("no worker registered on queue \(queue) within 30 s: --verbose shows what they say")
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}
