import Foundation
import Logging
import Tempest
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@Suite("Routes of workers that are killed between gather and push")
struct RoutingCrashTests {
    private func worker(_ language: String, _ redis: PrivateRedis) throws -> ProcessRunner {
        let environment: [String: String?] = ["REDIS_URL": redis.url, "PYTHONUNBUFFERED": "1"]
        let clients = "\(Program.root)/clients"
        return switch language {
        case "python":
            ProcessRunner("/usr/bin/python3", ["\(clients)/python/examples/wordcount.py", "q"], environment: environment)
        case "ruby": ProcessRunner("ruby", ["\(clients)/ruby/examples/wordcount.rb", "q"], environment: environment)
        default: try Program.runner(["demo-worker", "q"], redis: redis)
        }
    }

    @Test("SIGKILL there loses nothing: another worker gathers the same and pushes", arguments: ["swift", "python", "ruby"])
    func killed(_ language: String) async throws {
        try await withPrivateRedis { server in
            let redis = RedisClient(try RedisConfiguration(url: server.url), logger: Logger(label: "test"))
            let client = try TempestClient(redis: RedisConfiguration(url: server.url))
            let queue = try QueueName("q")
            let job =
                #"["echo",["b"],"in1","g.1",{"gather":{"id":"g","queue":"q","index":1,"count":2,"job_id":"j","#
                + #""route":[{"action":"echo","queue":"y"}]}}]"#
            try await worker(language, server).run { worker in
                try await eventually(within: .seconds(20), "the worker is there") {
                    try await redis.execute(["HLEN", "{q}:!procs"]).integer == 1
                }
                _ = try await redis.execute(.fcall(FunctionLibrary.gather, key: "q", ["g", "0", "2", #"["a"]"#]))
                // A full Redis lets functions run and refuses pushes: so the worker gathers, and can go no further.
                for command in [["MULTI"], ["RPUSH", "q", job], ["CONFIG", "SET", "maxmemory", "1"]] {
                    _ = try await redis.execute(RedisCommand(command.map { RedisArgument($0) }))
                }
                _ = try await redis.execute(["EXEC"])
                let gathered = try await redis.execute(["KEYS", "{q}:!gather:*"]).array?.first?.string ?? ""
                try await eventually("all is gathered") {
                    try await redis.execute(["HGET", .init(gathered), "!"]).string == "1"
                }
                try worker.send(.kill)
                _ = try await worker.waitForExit()
                let after = try await client.statistics(queue)
                #expect(after.running == 1 && after.settled == 0)
                #expect(try await redis.execute(["EXISTS", "y"]).integer == 0)
            }
            _ = try await redis.execute(["CONFIG", "SET", "maxmemory", "0"])
            for process in try await redis.execute(["HKEYS", "{q}:!procs"]).array ?? [] {
                _ = try await redis.execute(.fcall(FunctionLibrary.reap, key: "q", [.init(process.string ?? ""), "*"]))
            }
            try await Program.runner(["demo-worker", "q", "y"], redis: server).run { _ in
                var answer: RedisReply = .null
                try await eventually(within: .seconds(20), "the answer is there") {
                    answer = try await redis.execute(["LPOP", "{q}:in:in1"])
                    return answer.bytes != nil
                }
                #expect(try JSONCodec().value(answer.bytes ?? []) == ["echo", "j", [["a", ["b"]]]])
            }
            await client.shutdown()
            await redis.shutdown()
        }
    }
}
