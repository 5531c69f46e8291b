import Logging
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Two databases of one server")
struct DatabaseTests {
    /// Benches on databases 0 and 5 of one server.
    private func onBoth(_ body: (_ zero: Bench, _ five: Bench) async throws -> Void) async throws {
        try await Bench.run { zero in
            var configuration = zero.configuration
            configuration.database = 5
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let five = Bench(
                server: zero.server, configuration: configuration,
                client: try TempestClient(redis: configuration, logger: logger),
                redis: RedisClient(configuration, logger: logger))
            do {
                try await body(zero, five)
            } catch {
                await five.client.shutdown()
                await five.redis.shutdown()
                throw error
            }
            await five.client.shutdown()
            await five.redis.shutdown()
        }
    }

    /// The same, with a worker of the queue `q` in each, both of which run a job of the id `one` until their gates are opened.
    private func withWorkers(
        _ body: (_ zero: Bench, _ five: Bench, _ zerosGate: Gate, _ fivesGate: Gate) async throws -> Void
    ) async throws {
        try await onBoth { zero, five in
            let gates = [Gate(), Gate()]
            let workers = try zip([zero, five], gates).map { bench, gate in
                let worker = try bench.worker()
                worker.handle("wait") { (_: JobContext, text: String) in
                    try await gate.wait()
                    return text
                }
                return worker
            }
            try await withRunning(workers[0]) {
                try await withRunning(workers[1]) {
                    for bench in [zero, five] {
                        try await bench.push(#"["wait",["done"],"in1","one"]"#)
                        try await eventually("it runs") { try await bench.running() == 1 }
                    }
                    for channel in ["tempest:control", "tempest:control@5", "{q}:!news", "{q}:!news@5"] {
                        try await eventually("one worker listens to \(channel)") {
                            try await zero.redis.execute(["PUBSUB", "NUMSUB", .init(channel)]).array?.last?.integer == 1
                        }
                    }
                    try await body(zero, five, gates[0], gates[1])
                    for gate in gates { gate.open() }
                }
            }
        }
    }

    private func states(_ bench: Bench) async throws -> [NodeRecord.State] {
        try await bench.client.nodes().compactMap { $0.record?.state }
    }

    @Test("An order is heard by the workers of its own database alone")
    func orders() async throws {
        try await withWorkers { zero, five, _, _ in
            #expect(try await five.client.tell(.quiet, to: "*") == 1)
            try await eventually("the worker of database 5 is quiet") { try await states(five) == [.quiet] }
            #expect(try await states(zero) == [.running])
            #expect(try await zero.client.tell(.quiet, to: "*") == 1)
            try await eventually("the worker of database 0 is quiet") { try await states(zero) == [.quiet] }
        }
    }

    @Test("A running job is cancelled in its own database; one of the same id in another runs on")
    func cancels() async throws {
        try await withWorkers { zero, five, zerosGate, _ in
            let queue = try QueueName("q")
            #expect(try await five.client.cancel(job: .text("one"), queue: queue) == 1)
            #expect(try await five.answer("in1").asArray?[3].asMap?["error"]?.asMap?["code"] == "cancelled")
            zerosGate.open()
            #expect(try await zero.answer("in1").asArray?[2] == ["done"])
        }
    }

    @Test("News of a queue are published on the channel of its database: ticks, suspects, cancellations, credits")
    func news() async throws {
        try await onBoth { zero, five in
            try await five.function("hello", "q", ["w", "new", "database/5"])
            try await five.function("tick", "q", ["w", "", "default"])
            try await zero.redis.withSubscription(channels: [], patterns: ["*"]) { subscription in
                var expected: [String] = []
                for (bench, end, told) in [(five, "@5", "w"), (zero, "", "*")] {
                    try await bench.function("delay", "q", ["+500", "default", "job"])
                    try await bench.function("cancel", "q", ["one", "60000"])
                    try await bench.function("credit", "q", ["one", "7"])
                    expected += ["tick \(told)", "cancel one", "credit one 7"].map { "{q}:!news\(end) \($0)" }
                }
                // The second crash of a job puts it aside.
                try await five.push("crasher", to: "r")
                for name in ["c1", "c2"] as [RedisArgument] {
                    try await five.function("hello", "r", [name, "new", "database/5"])
                    try await five.function("claim", "r", [name, "1", "1", "1000", "default"])
                    try await five.function("reap", "r", [name, "*", "told"])
                }
                expected.append("{r}:!news@5 suspect")
                var found: [String] = []
                for try await message in subscription {
                    found.append("\(message.channel) \(String(decoding: message.payload, as: UTF8.self))")
                    if found.count == expected.count { break }
                }
                #expect(found == expected)
            }
        }
    }

    @Test("Events are published on the channel of the client's database; the name bears no number")
    func events() async throws {
        try await onBoth { zero, five in
            #expect(throws: NameError.self) { try ChannelName("news@5") }
            await #expect(throws: NameError.self) { try await five.client.publish(channel: "news@5", data: 1) }
            // An earlier library, which knows no databases, is replaced before anything is published.
            let source = String(decoding: FunctionLibrary.source, as: UTF8.self)
            let earlier = source.replacing("REVISION = \(FunctionLibrary.revision)", with: "REVISION = 7")
                .replacing("channel_in(database, channel)", with: "channel")
            _ = try await zero.redis.execute(["FUNCTION", "LOAD", "REPLACE", .init(earlier)])
            try await zero.redis.withSubscription(channels: ["news", "news@5"]) { subscription async throws in
                var messages = subscription.makeAsyncIterator()
                #expect(try await five.client.publish(channel: "news", data: "five").heard == 1)
                #expect(try await messages.next()?.channel == "news@5")
                #expect(try await zero.client.publish(channel: "news", data: "zero").heard == 1)
                #expect(try await messages.next()?.channel == "news")
                #expect(try await five.client.endStreams(channel: "news").heard == 1)
                #expect(try await messages.next()?.channel == "news@5")
            }
            for bench in [zero, five] {
                #expect(try await bench.redis.execute(["XLEN", "tempest:channel:news"]).integer == 1)
            }
        }
    }
}
