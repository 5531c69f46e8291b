import Foundation
import Logging
import Tempest
import TempestRedis
import TempestTesting
import Testing

/// A running `tempest supervise` and its Redis, as tests look at them.
struct Supervision {
    let supervisor: ChildProcess
    let redis: RedisClient
    let client: TempestClient
    /// A folder of its own: where workers run, and leave what they like.
    let folder: String

    /// Runs it: `arguments` after `supervise`; `plan`, if any, is the text of a file that comes last. `%T` in both is the
    /// program, `%FOLDER` the folder.
    static func run<R>(
        _ arguments: [String], plan: String? = nil, _ body: (Supervision) async throws -> R
    ) async throws -> R {
        try await withPrivateRedis { server in
            try await withTemporaryDirectory { folder in
                let program = try Program.path
                var words = arguments.map { $0.replacingOccurrences(of: "%T", with: program) }
                if let plan {
                    let text = plan.replacingOccurrences(of: "%T", with: program).replacingOccurrences(
                        of: "%FOLDER", with: folder)
                    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/plan.yaml"))
                    words.append("\(folder)/plan.yaml")
                }
                let configuration = try RedisConfiguration(url: server.url)
                let client = try TempestClient(redis: configuration)
                // The functions are there before anybody needs them.
                _ = try await client.statistics(QueueName("q"))
                let redis = RedisClient(configuration, logger: Logger(label: "test"))
                let runner = ProcessRunner(
                    program, ["supervise"] + words, environment: ["REDIS_URL": server.url, "NO_COLOR": "1"],
                    workingDirectory: folder)
                let result = try await runner.run(grace: .seconds(10)) {
                    try await body(Supervision(supervisor: $0, redis: redis, client: client, folder: folder))
                }
                await redis.shutdown()
                await client.shutdown()
                return result
            }
        }
    }

    /// It has ended without that line, or goes on without it.
    struct NoLine: Error {
        let text: String
        let status: TempestTesting.ExitStatus?
        let output: ArraySlice<String>
    }

    /// The line that has the text, the n-th of those that have it; waits for it. Lines of several workers come in any order.
    func line(_ text: String, _ number: Int = 1) async throws -> String {
        do {
            try await eventually(within: .seconds(30), "line \(number)") {
                supervisor.output.count { $0.contains(text) } >= number || supervisor.exitStatus != nil
            }
        } catch is TestingError {}
        guard supervisor.output.count(where: { $0.contains(text) }) >= number else {
            throw NoLine(text: text, status: supervisor.exitStatus, output: supervisor.output.suffix(20))
        }
        return supervisor.output.filter { $0.contains(text) }[number - 1]
    }

    /// The process id of a worker's n-th incarnation.
    func started(_ worker: String, _ number: Int = 1) async throws -> Int32 {
        let line = try await line("\(worker) is started, process ", number)
        return try #require(line.split(separator: " ").last.flatMap { Int32($0) })
    }

    /// The processes registered on the queue.
    func registered(_ queue: String = "q") async throws -> Set<String> {
        Set(try await redis.execute(["HKEYS", .text("{\(queue)}:!procs")]).array?.compactMap(\.string) ?? [])
    }

    /// Who holds jobs.
    func holders(_ queue: String = "q") async throws -> [String] {
        var holders: [String] = []
        for process in try await registered(queue) {
            let fields =
                try await redis.execute(["HKEYS", .text("{\(queue)}:!run:\(process)")]).array?.compactMap(\.string) ?? []
            if fields.contains(where: { $0.contains(".") }) { holders.append(process) }
        }
        return holders
    }

    /// Asks it to end; its status.
    func terminate() async throws -> TempestTesting.ExitStatus {
        try supervisor.send(.terminate)
        return try await supervisor.waitForExit()
    }
}

/// What the system says of processes.
enum SystemProcess {
    /// Whether it runs; one that has ended and that nobody has asked for yet does not.
    static func isAlive(_ id: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8) else { return false }
        // The state follows the name, which may have anything in its brackets.
        return status.split(separator: ")").last.map { !$0.hasPrefix(" Z") && !$0.hasPrefix(" X") } ?? false
    }

    static func state(_ id: Int32) -> Character? {
        guard let status = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8) else { return nil }
        return status.split(separator: ")").last?.dropFirst().first
    }

    /// The first word of its command line.
    static func command(_ id: Int32) -> String? {
        (try? String(contentsOfFile: "/proc/\(id)/cmdline", encoding: .utf8))?.split(separator: "\0").first.map(String.init)
    }

    /// The children that each thread of a process has started.
    static func children(of id: Int32) throws -> [String: [Int32]] {
        var children: [String: [Int32]] = [:]
        for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/task") {
            let text = (try? String(contentsOfFile: "/proc/\(id)/task/\(thread)/children", encoding: .utf8)) ?? ""
            let ids = text.split(separator: " ").compactMap { Int32($0) }
            if !ids.isEmpty { children[thread] = ids }
        }
        return children
    }

    /// Resident bytes.
    static func resident(_ id: Int32) -> Int {
        let text = (try? String(contentsOfFile: "/proc/\(id)/statm", encoding: .utf8)) ?? ""
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
    }
}
