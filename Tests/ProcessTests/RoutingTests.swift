import Foundation
import Tempest
import TempestProtocol
import TempestTesting
import Testing

@Suite("Routes through workers in three languages")
struct RoutingTests {
    /// A Swift worker on the queue swift, and the Python and Ruby workers of the example.
    private func withWorkers<R>(
        _ redis: PrivateRedis, lease: String = "10", _ body: (ChildProcess) async throws -> R
    ) async throws -> R {
        let environment: [String: String?] = ["REDIS_URL": redis.url, "PYTHONUNBUFFERED": "1"]
        let folder = "\(Program.root)/examples/routing"
        return try await ProcessRunner("/usr/bin/python3", ["\(folder)/worker.py"], environment: environment).run { _ in
            try await ProcessRunner("ruby", ["\(folder)/worker.rb"], environment: environment).run { _ in
                try await Program.runner(["demo-worker", "swift", "--lease", lease], redis: redis).run { try await body($0) }
            }
        }
    }

    @Test("In sequence and in parallel, in every codec", arguments: ["json", "msgpack", "tnetstring"])
    func languages(_ codec: String) async throws {
        try await withPrivateRedis { redis in
            try await withWorkers(redis) { _ in
                let client = try TempestClient(redis: RedisConfiguration(url: redis.url))
                let answer: Value = try await client.call(
                    "clean", " ein  Weg ", queue: "python", codec: CodecSet.standard.named(codec), timeout: .seconds(30),
                    route: [
                        .all([
                            .step("count", queue: "ruby"), .step("longest", then: [.step("count", queue: "ruby")]),
                            .step("echo", queue: "swift", then: [.all([.step("echo"), .step("echo")])]),
                        ]),
                        .step("echo", queue: "swift"),
                    ])
                #expect(answer == [2, 1, [[["ein Weg"]], [["ein Weg"]]]])
                await client.shutdown()
            }
        }
    }

    @Test("A failure in any language ends the route, from the command line too")
    func commandLine() async throws {
        try await withPrivateRedis { redis in
            try await withWorkers(redis) { _ in
                let route = "[count@ruby,longest],echo@swift:low"
                let (status, output) = try await Program.run(
                    ["call", "clean", " a  route ", "--queue", "python", "--route", route], redis: redis)
                #expect(status == .exited(0) && output.last == #"[2,"route"]"#)
                let failed = try await Program.run(
                    ["call", "clean", "a", "--queue", "python", "--route", "count@ruby,clean@python"], redis: redis)
                #expect(failed.status == .exited(1))
            }
            for bad in ["a,,b", "[a", "a@q 1", "a@q:1st", "[a]b", "[]", "a@b@c", "[[a]]"] {
                let refused = try await Program.run(["call", "clean", "a", "--route", bad], redis: redis)
                #expect(refused.status == .exited(64), "\(bad)")
            }
        }
    }

    @Test("A worker that is killed in the middle of a route is replaced, and the route goes on")
    func killed() async throws {
        try await withPrivateRedis { redis in
            try await withWorkers(redis, lease: "0.5") { worker in
                let client = try TempestClient(redis: RedisConfiguration(url: redis.url))
                let call = Task<Value, any Error> {
                    try await client.call(
                        "clean", " a  route ", queue: "python", timeout: .seconds(60),
                        route: [
                            .all([.step("count", queue: "ruby", then: [.step("sleep", queue: "swift")]), .step("longest")]),
                            .step("echo", queue: "swift"),
                        ])
                }
                let queue = try QueueName("swift")
                try await eventually("a step runs") { try await client.statistics(queue).running == 1 }
                try worker.send(.kill)
                _ = try await worker.waitForExit()
                try await Program.runner(["demo-worker", "swift"], redis: redis).run { _ in
                    let answer = try await call.value
                    #expect(answer == [nil, "route"])
                }
                await client.shutdown()
            }
        }
    }
}
