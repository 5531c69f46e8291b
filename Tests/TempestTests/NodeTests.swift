import Foundation
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Nodes")
struct NodeTests {
    private func record(_ id: String, _ queues: [String: String], started: UInt64, name: String = "worker") -> String {
        let record = NodeRecord(
            id: id, name: name, kind: "worker", language: "python", version: "1", host: "h", pid: 1, started: started,
            concurrency: 4, queues: queues, state: .running)
        return String(decoding: record.json, as: UTF8.self)
    }

    @Test("Records are joined with the processes that are registered; the rest is gone, broken or unlisted")
    func joined() async throws {
        try await Bench.run { bench in
            for (process, queue) in [("a.1", "q"), ("a.2", "r"), ("raw.1", "q")] { try await bench.register(process, on: queue) }
            try await bench.push(#"["send",[],null,"j1"]"#)
            try await bench.push(#"["send",[],null,"j2"]"#)
            try await bench.function("claim", "q", ["raw.1", "1", "1", "1000", "default"])
            try await bench.function("claim", "q", ["a.1", "1", "1", "1000", "default"])
            try await bench.function("tick", "q", ["a.1", #"{"running":[["j2","send","default",5]],"count":3}"#, "default"])
            try await bench.function("tick", "r", ["a.2", "no note", "default"])
            try await bench.write(record: record("a", ["q": "a.1", "r": "a.2", "s": "a.3"], started: 5), for: "a")
            try await bench.write(record: record("b", ["q": "b.1"], started: 5), for: "b")
            try await bench.write(record: record("someone-else", ["q": "b.1"], started: 5), for: "c")
            try await bench.write(record: "{", for: "d\u{1b}")
            let nodes = try await bench.client.nodes()
            #expect(nodes.map(\.id) == ["a", "b", "c", "d\u{1b}", "raw.1"])
            #expect(nodes.map(\.standing) == [.registered, .gone, .broken, .broken, .unlisted])
            #expect(nodes[0].processes.map(\.name) == ["a.1", "a.2"] && nodes[0].record?.concurrency == 4)
            let (first, second) = (nodes[0].processes[0], nodes[0].processes[1])
            #expect((first.held, first.running, first.lease) == (1, 3, 10_000) && first.beat > 1)
            #expect(first.note?.running.map(\.job) == ["j2"])
            #expect(second.hasBrokenNote && second.note == nil && second.running == 0)
            #expect(nodes[0].running == 3 && nodes[1].running == 0 && nodes[4].running == 1)
            #expect(nodes[4].processes[0].queue.description == "q")
        }
    }

    @Test("A node is found also when its queue is in no set of queues")
    func unknownQueue() async throws {
        try await Bench.run { bench in
            try await bench.register("a.1", on: "hidden")
            _ = try await bench.redis.execute(["DEL", "tempest:queues"])
            #expect(try await bench.client.nodes().isEmpty)
            try await bench.write(record: record("a", ["hidden": "a.1"], started: 5), for: "a")
            #expect(try await bench.client.nodes().map(\.standing) == [.registered])
        }
    }

    @Test("Only old records of nodes that are gone are taken away, and only as they were seen")
    func pruned() async throws {
        try await Bench.run { bench in
            let now = try await bench.client.time()
            try await bench.register("alive.1")
            let old: [(String, String)] = [
                ("alive", record("alive", ["q": "alive.1"], started: 5)),
                ("young", record("young", ["q": "young.1"], started: now)),
                ("old", record("old", ["q": "old.1"], started: now - 61_000)),
                ("skewed", record("skewed", ["q": "skewed.1"], started: now + 3_600_000)),
                ("back", record("back", ["q": "back.1"], started: 5)), ("idle", record("idle", [:], started: 5)), ("broken", "{"),
            ]
            for (id, text) in old { try await bench.write(record: text, for: id) }
            let nodes = try await bench.client.nodes()
            // One of them comes back after it was seen.
            try await bench.write(record: record("back", ["q": "back.2"], started: 5), for: "back")
            #expect(try await Set(bench.client.removeGone(nodes)) == ["old", "skewed"])
            let left = try await bench.redis.execute(["HKEYS", "tempest:nodes"]).array?.compactMap(\.string)
            #expect(Set(left ?? []) == ["alive", "young", "back", "idle", "broken"])
        }
    }

    @Test("Orders are published as JSON, and those who listen are counted")
    func told() async throws {
        try await Bench.run { bench in
            #expect(try await bench.client.tell(.stop, to: "*") == 0)
            try await bench.redis.withSubscription(channels: [Keys.control(database: 0)]) { control in
                #expect(try await bench.client.tell(.quiet, to: #"a"b"#) == 1)
                var messages = control.makeAsyncIterator()
                let message = try #require(try await messages.next())
                #expect(try JSONCodec().value(message.payload) == ["to": #"a"b"#, "do": "quiet"])
            }
        }
    }

    @Test("Which states obey which order")
    func obeyed() {
        #expect(NodeRecord.State.allCases.filter { NodeOrder.quiet.isObeyed(by: $0) } == [.quiet, .stopping])
        #expect(NodeRecord.State.allCases.filter { NodeOrder.stop.isObeyed(by: $0) } == [.stopping])
    }

    @Test("Statistics count what is delayed and what waits to be run alone")
    func statistics() async throws {
        try await Bench.run { bench in
            try await bench.function("delay", "q", ["+60000", "low", "a", "b"])
            _ = try await bench.redis.execute(["RPUSH", "{q}:!suspect", "default:c"])
            let seen = try await bench.client.statistics(QueueName("q"))
            #expect((seen.delayed, seen.suspects, seen.waiting, seen.arrived) == (2, 1, 0, 1))
        }
    }
}
