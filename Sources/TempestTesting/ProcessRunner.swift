// Starts a process for the time of a scope.
// Used by the process tests, the demonstration, and PrivateRedis; what happens to it then is ChildProcess's.

import Foundation
import Subprocess

/// What to run: an executable with its arguments.
///
/// ```swift
/// try await ProcessRunner("worker", ["--queue", "mail"]).run { worker in
///     try await worker.waitForLine { $0.contains("ready") }
///     try worker.send(.terminate)
///     #expect(try await worker.waitForExit() == .exited(0))
/// }
/// ```
public struct ProcessRunner: Sendable {
    /// A path, or a name that is looked up on PATH.
    public var executable: String
    /// The arguments, without the executable.
    public var arguments: [String]
    /// Variables that are added to our own environment; nil takes one away.
    public var environment: [String: String?]
    /// Where it runs; nil: where we do.
    public var workingDirectory: String?
    /// Whether the system kills it when this process dies, however it dies. Needs `setpriv`; without it nothing is done.
    public var diesWithUs: Bool

    /// Describes a process; nothing is started yet.
    public init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String?] = [:], workingDirectory: String? = nil,
        diesWithUs: Bool = true
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.diesWithUs = diesWithUs
    }

    /// Starts it, runs the body, and ends it: SIGTERM, and SIGKILL after the grace period. A cancelled body's process is killed.
    ///
    /// - Throws: what the body throws; an error when it could not be started.
    public func run<R>(grace: Duration = .seconds(5), _ body: (ChildProcess) async throws -> R) async throws -> R {
        let child = ChildProcess(name: (self.executable as NSString).lastPathComponent)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await child.run(self) }
            guard await child.hasStarted() else {
                try await group.waitForAll()
                try Task.checkCancellation()
                throw TestingError("\(self.executable) could not be started")
            }
            do {
                let result = try await body(child)
                await child.end(grace: grace)
                try await group.waitForAll()
                return result
            } catch {
                await child.end(grace: grace)
                group.cancelAll()
                throw error
            }
        }
    }

    /// The words to spawn: `setpriv` and `env` replace themselves by the program, so the process id is the program's.
    func launch() -> (words: [String], environment: Subprocess.Environment) {
        var words: [String] = []
        if self.diesWithUs, Self.find("setpriv") { words += ["setpriv", "--pdeathsig", "KILL", "--"] }
        words += ["env"]
        if let workingDirectory = self.workingDirectory { words += ["-C", workingDirectory] }
        words += [self.executable] + self.arguments
        var changes: [Subprocess.Environment.Key: String?] = [:]
        for (name, value) in self.environment {
            if let key = Subprocess.Environment.Key(rawValue: name) { changes[key] = .some(value) }
        }
        return (words, Subprocess.Environment.inherit.updating(changes))
    }

    /// Whether PATH has an executable of this name.
    package static func find(_ name: String) -> Bool {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        return path.split(separator: ":").contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }
}
