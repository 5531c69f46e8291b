import Synchronization
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Cancelled jobs, quiet workers")
struct CancelTests {
    private func cancel(_ bench: Bench, _ id: String) async throws {
        _ = try await bench.redis.execute(["FUNCTION", "LOAD", "REPLACE", .init(FunctionLibrary.source)])
        _ = try await bench.redis.execute(.fcall("tempest1_cancel", key: "q", [.init(id), "60000"]))
    }

    @Test("One that waits is skipped when its turn comes, and its caller is told; the others run")
    func waiting() async throws {
        try await Bench.run { bench in
            try await bench.push(#"["x",[1],"in1","one"]"#)
            try await bench.push(#"["x",[2],"in2","two"]"#)
            try await cancel(bench, "one")
            let worker = try bench.worker()
            worker.handle("x") { (_: JobContext, number: Int) in number }
            try await withRunning(worker) {
                let (second, first) = (try await bench.answer("in2"), try await bench.answer("in1"))
                #expect(second.asArray?[2] == [2])
                #expect(first.asArray?[3].asMap?["error"]?.asMap?["code"] == "cancelled")
                let counts = try await bench.client.statistics(QueueName("q")).counts
                #expect(counts["cancelled"] == 1)
                #expect(try await bench.redis.execute(["EXISTS", "{q}:!cancelled"]).integer == 0, "it is forgotten")
            }
        }
    }

    @Test("One that runs is told, and no other; its handler's task is cancelled")
    func running() async throws {
        try await Bench.run { bench in
            let gate = Gate()
            let worker = try bench.worker()
            worker.handle("x") { (context: JobContext, number: Int) in
                try await gate.wait()
                return number
            }
            try await withRunning(worker) {
                try await bench.push(#"["x",[1],"in1","one"]"#)
                try await bench.push(#"["x",[2],"in2","two"]"#)
                try await eventually("both run") { try await bench.running() == 2 }
                try await cancel(bench, "one")
                try await eventually("it is cancelled") {
                    try await bench.client.statistics(QueueName("q")).counts["cancelled"] == 1
                }
                #expect(try await bench.answer("in1").asArray?[3].asMap?["error"]?.asMap?["code"] == "cancelled")
                gate.open()
                #expect(try await bench.answer("in2").asArray?[2] == [2])
            }
        }
    }

    @Test("One that runs and was cancelled while its worker could not hear it is told when the worker listens again")
    func missed() async throws {
        try await Bench.run { bench in
            let worker = try bench.worker()
            worker.handle("x") { (_: JobContext) in try await Task.sleep(for: .seconds(60)) }
            try await withRunning(worker) {
                try await bench.push(#"["x",[],"in1","one"]"#)
                try await bench.push(#"["x",[],"in2","two"]"#)
                try await eventually("both run") { try await bench.running() == 2 }
                try await eventually("it listens") {
                    try await bench.redis.execute(["PUBSUB", "NUMSUB", "{q}:!news"]).array?.last?.integer == 1
                }
                // Remembered, and not said to anybody.
                _ = try await bench.redis.execute(["ZADD", "{q}:!cancelled", "99999999999999", "one"])
                _ = try await bench.redis.execute(["CLIENT", "KILL", "TYPE", "pubsub"])
                #expect(try await bench.answer("in1").asArray?[3].asMap?["error"]?.asMap?["code"] == "cancelled")
                #expect(try await bench.running() == 1, "the other one runs")
            }
        }
    }

    @Test("A quiet worker finishes what it runs, takes nothing more, and says so; what waits stays")
    func quiet() async throws {
        try await Bench.run { bench in
            let gate = Gate()
            let worker = try bench.worker()
            worker.handle("x") { (_: JobContext) in try await gate.wait() }
            try await withRunning(worker) {
                try await bench.push(#"["x",[],"in1","one"]"#)
                try await eventually("it runs") { try await bench.running() == 1 }
                let message = #"{"to":"test","do":"quiet"}"#
                try await eventually("it is quiet") {
                    _ = try await bench.redis.execute(["PUBLISH", .init(Keys.control(database: 0)), .init(message)])
                    let records = try await bench.redis.execute(["HVALS", .init(Keys.nodes)]).array ?? []
                    return records.compactMap { $0.bytes.flatMap { NodeRecord(json: $0) } }.map(\.state) == [.quiet]
                }
                try await bench.push(#"["x",[],"in2","two"]"#)
                gate.open()
                _ = try await bench.answer("in1")
                try await eventually("nothing runs") { try await bench.running() == 0 }
                #expect(try await bench.client.statistics(QueueName("q")).waiting == 1)
            }
            #expect(try await bench.redis.execute(["EXISTS", .init(Keys.nodes)]).integer == 0, "its record goes with it")
        }
    }

    @Test("A second stop gives back at once what the first one waits for")
    func twice() async throws {
        try await Bench.run { bench in
            let gate = Gate()
            let worker = try bench.worker(grace: .seconds(600))
            worker.handle("x") { (_: JobContext) in try await gate.wait() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await worker.run() }
                try await bench.push(#"["x",[],null,"one"]"#)
                try await eventually("it runs") { try await bench.running() == 1 }
                worker.stop()
                try await eventually("it stops") { !worker.readiness.isReady }
                #expect(try await bench.running() == 1)
                worker.stop(grace: .zero)
                try await group.waitForAll()
            }
            let after = try await bench.client.statistics(QueueName("q"))
            #expect(after.waiting == 1 && after.running == 0 && after.counts["crashed"] == nil)
        }
    }
}
