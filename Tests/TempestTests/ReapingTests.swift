import Logging
import NIOCore
import Synchronization
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("The jobs of the dead")
struct ReapingTests {
    /// Registers a process that claims `count` jobs and then does nothing more, as one does that was killed.
    private func dead(_ bench: Bench, _ name: String = "dead", claims count: Int = 0, lease: Int = 300) async throws {
        _ = try await bench.redis.execute(["FUNCTION", "LOAD", "REPLACE", .init(FunctionLibrary.source)])
        _ = try await bench.redis.execute(.fcall(FunctionLibrary.hello, key: "q", [.init(name), "new", .init("lease/\(lease)")]))
        guard count > 0 else { return }
        _ = try await bench.redis.execute(
            .fcall(FunctionLibrary.claim, key: "q", [.init(name), "1", .init(count), "1000000", "default"]))
    }

    private func job(_ name: String) -> String { #"["note",["\#(name)"],null,"\#(name)"]"# }

    @Test("A worker takes them over when the lease is over: first what was claimed, in its order, then what had landed")
    func observed() async throws {
        try await Bench.run { bench in
            for name in ["a", "b", "c"] { try await bench.push(job(name)) }
            try await dead(bench, claims: 2)
            _ = try await bench.redis.execute(["LMOVE", "q", "{q}:!land:dead:default", "LEFT", "RIGHT"])
            try await bench.push(job("d"))
            let order = Mutex<[String]>([])
            let worker = try bench.worker(concurrency: 1) { $0.lease = .milliseconds(500) }
            worker.handle("note") { (_: JobContext, name: String) in order.withLock { $0.append(name) } }
            try await withRunning(worker) { try await eventually("all have run") { order.withLock { $0.count } == 4 } }
            // `d` was free from the beginning.
            #expect(order.withLock { $0 } == ["d", "a", "b", "c"])
            let statistics = try await bench.client.statistics(QueueName("q"))
            #expect(statistics.counts["reaped"] == 1 && statistics.counts["crashed"] == 2 && statistics.counts["recovered"] == 3)
        }
    }

    @Test("Eight watch for all; when they die at once, one that did not takes their place and the jobs of all")
    func watchers() async throws {
        try await Bench.run { bench in
            for index in 0..<8 { try await bench.push(job("\(index)")) }
            func watched(_ name: String) async throws -> Int? {
                try await bench.redis.execute(.fcall(FunctionLibrary.tick, key: "q", [.init(name), ""])).array?[6].array?.count
            }
            for index in 0..<8 { try await dead(bench, "w\(index)", claims: 1) }
            try await dead(bench, "ninth")
            for index in 0..<8 { #expect(try await watched("w\(index)") == 3 * 8) }
            #expect(try await watched("ninth") == 0)
            let done = Mutex<Set<String>>([])
            let worker = try bench.worker { $0.lease = .milliseconds(500) }
            worker.handle("note") { (_: JobContext, name: String) in _ = done.withLock { $0.insert(name) } }
            try await withRunning(worker) {
                try await eventually("all have run") { done.withLock { $0.count } == 8 }
                // The ninth beats no more either.
                try await eventually("all are reaped") {
                    try await bench.client.statistics(QueueName("q")).counts["reaped"] == 9
                }
            }
        }
    }

    @Test("A process that beats with the long lease that it declared is left alone by one with a short lease")
    func patience() async throws {
        try await Bench.run { bench in
            try await bench.push(job("a"))
            try await dead(bench, claims: 1, lease: 60_000)
            try await dead(bench, "short", lease: 300)
            let worker = try bench.worker { $0.lease = .milliseconds(300) }
            worker.handle("note") { (_: JobContext, _: String) in }
            try await withRunning(worker) {
                try await eventually("the short one is reaped") {
                    try await bench.client.statistics(QueueName("q")).counts["reaped"] == 1
                }
                let left = try await bench.redis.execute(["HEXISTS", "{q}:!procs", "dead"])
                #expect(left.integer == 1)
            }
        }
    }

    @Test("A job of two crashes runs alone: nothing runs beside it, and the worker that is busy makes room")
    func alone() async throws {
        try await Bench.run { bench in
            try await dead(bench)
            _ = try await bench.redis.execute(["RPUSH", "{q}:!suspect", .init("default:" + job("suspect"))])
            _ = try await bench.redis.execute(.fcall(FunctionLibrary.goodbye, key: "q", ["dead"]))
            let running = Mutex<(now: Int, beside: Int?)>((0, nil))
            let worker = try bench.worker(concurrency: 4)
            worker.handle("note") { (_: JobContext, name: String) in
                running.withLock { $0.now += 1 }
                try await Task.sleep(for: .milliseconds(20))
                running.withLock { running in
                    if name == "suspect" { running.beside = running.now - 1 }
                    running.now -= 1
                }
            }
            for index in 0..<400 { try await bench.push(job("n\(index)")) }
            try await withRunning(worker) {
                try await eventually("it has run") { running.withLock { $0.beside } != nil }
                #expect(running.withLock { $0.beside } == 0)
                #expect(try await bench.client.statistics(QueueName("q")).waiting > 0, "while there was other work")
                try await eventually("the others run on") { try await bench.client.statistics(QueueName("q")).settled == 401 }
            }
        }
    }

    @Test("A job that crashed its process three times is dead, and its caller is told")
    func poison() async throws {
        try await Bench.run { bench in
            try await bench.push(#"["note",["p"],"in1","p"]"#)
            for round in 1...4 {
                let name = "dead\(round)"
                try await dead(bench, name, claims: round <= 2 ? 1 : 0)
                if round > 2 {
                    _ = try await bench.redis.execute(.fcall(FunctionLibrary.suspect, key: "q", [.init(name)]))
                }
                #expect(try await bench.running() == 1, "round \(round)")
                #expect(try await bench.dead().isEmpty)
                _ = try await Reaper(redis: bench.redis, logger: .init(label: "test")).reap(
                    name, of: QueueName("q"), on: bench.redis.connection().get()
                ).get()
            }
            #expect(try await bench.dead().map(\.reason) == ["poison"])
            #expect(try await bench.answer("in1").asArray?[3].asMap?["error"]?.asMap?["code"] == "poison")
        }
    }

    @Test("A supervisor reaps by the name that it gave, at once and nobody else, and ends the connections of the dead")
    func prefix() async throws {
        try await Bench.run { bench in
            _ = try await bench.redis.execute(["SADD", "tempest:queues", "q"])
            for name in ["a", "b"] { try await bench.push(job(name)) }
            try await dead(bench, "web.1.x.01", claims: 1)
            try await dead(bench, "web.10.x.01", claims: 1)
            let parked: RedisConnection = try await bench.redis.open(name: "tempest:web.1.x.01")
            _ = try await bench.redis.execute(
                ["SADD", "{q}:!cid:web.1.x.01", .init("\(parked.serverRunID)/\(parked.clientID)")])
            let moved = try await Reaper(redis: bench.redis, logger: .init(label: "test")).reap(prefix: "web.1.")
            #expect(moved == 1)
            try await parked.closeFuture.get()
            #expect(try await bench.redis.execute(["HKEYS", "{q}:!procs"]).array?.map(\.string) == ["web.10.x.01"])
            #expect(try await bench.redis.execute(["LRANGE", "q", "0", "-1"]).array?.map(\.string) == [job("a")])
        }
    }

    @Test("A connection that bears another name is not ended, whatever the dead one's record says")
    func innocent() async throws {
        try await Bench.run { bench in
            _ = try await bench.redis.execute(["SADD", "tempest:queues", "q"])
            try await dead(bench, "web.1")
            let other: RedisConnection = try await bench.redis.open(name: "somebody")
            _ = try await bench.redis.execute(["SADD", "{q}:!cid:web.1", .init("\(other.serverRunID)/\(other.clientID)")])
            _ = try await Reaper(redis: bench.redis, logger: .init(label: "test")).reap(prefix: "web.1")
            #expect(try await other.execute(["PING"]).string == "PONG")
            _ = other.close()
        }
    }
}
