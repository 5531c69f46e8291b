import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Dead jobs")
struct DeadJobTests {
    let queue: QueueName
    init() throws { queue = try QueueName("q") }

    private func job(_ action: String, _ meta: String = "") -> [UInt8] {
        Array(#"["\#(action)",[1],null,"\#(action)-id"\#(meta)]"#.utf8)
    }

    @Test("They are listed newest first, decoded where they can be, with all that is recorded")
    func listed() async throws {
        try await Bench.run { bench in
            let first = try await bench.bury(job("send", #",{"attempt":3}"#), by: "w.1", level: "low", detail: "no such host")
            let second = try await bench.bury([0xC1, 0x00], by: "w.2", reason: "bad_codec", detail: "")
            let records = try await bench.client.dead(queue)
            #expect(records.map(\.id) == [second, first])
            let old = try #require(records.last)
            #expect(old.job?.action == "send" && old.attempt == 3 && old.trouble == nil)
            #expect((old.level, old.reason, old.detail, old.by) == ("low", "exhausted", "no such host", "w.1"))
            #expect(old.id.hasPrefix("\(old.time)-") && old.crashes == 0)
            #expect(records[0].job == nil && records[0].attempt == nil && records[0].payload == [0xC1, 0x00])
            #expect(records[0].trouble?.hasPrefix("bad_codec: ") == true)
            #expect(try await bench.client.dead(queue, id: first)?.payload == old.payload)
            #expect(try await bench.client.dead(queue, id: "1-1") == nil)
            #expect(try await bench.client.dead(QueueName("other")).isEmpty)
        }
    }

    @Test("Filters let through what they name and nothing else")
    func filters() async throws {
        try await Bench.run { bench in
            var ids: [String] = []
            ids.append(try await bench.bury(job("send"), by: "host.a.1"))
            ids.append(try await bench.bury(job("send"), by: "host.b.1", reason: "poison"))
            ids.append(try await bench.bury(job("fetch"), by: "host.a.1", reason: "poison"))
            ids.append(try await bench.bury(Array("rubbish".utf8), by: "host.a.1", reason: "bad_codec"))
            func places(_ filter: DeadFilter) async throws -> [Int] {
                try await bench.client.dead(queue, filter).compactMap { ids.firstIndex(of: $0.id) }.sorted()
            }
            #expect(try await places(DeadFilter()) == [0, 1, 2, 3])
            #expect(try await places(DeadFilter(reason: "poison")) == [1, 2])
            #expect(try await places(DeadFilter(action: "send")) == [0, 1])
            #expect(try await places(DeadFilter(reason: "poison", action: "send")) == [1])
            #expect(try await places(DeadFilter(by: "host.a")) == [0, 2, 3])
            #expect(try await places(DeadFilter(by: "host.b.1")) == [1])
            #expect(try await places(DeadFilter(by: "host")).isEmpty)
            let time = try #require(try await bench.client.dead(queue, id: ids[3])).time
            #expect(try await places(DeadFilter(since: time)).contains(3))
            #expect(try await places(DeadFilter(since: time + 1)).isEmpty)
            #expect(try await !places(DeadFilter(before: time)).contains(3))
            #expect(try await places(DeadFilter(before: time + 1)) == [0, 1, 2, 3])
            #expect(try await places(DeadFilter(before: 0)).isEmpty)
            #expect(try await places(DeadFilter(since: 7, before: 7)).isEmpty)
            #expect(try await bench.client.dead(queue, limit: 2).map(\.id) == [ids[3], ids[2]])
        }
    }

    @Test("A list of more than a page of records misses none and has none twice")
    func pages() async throws {
        try await Bench.run { bench in
            for number in 0..<150 {
                _ = try await bench.redis.execute([
                    "XADD", "{q}:!dead", .init("1000-\(number + 1)"), "job", .init(job("a\(number)")), "level", "default",
                    "reason",
                    number % 2 == 0 ? "even" : "odd", "detail", "", "by", "w.1", "tries", "0",
                ])
            }
            let all = try await bench.client.dead(queue, limit: 1000)
            #expect(all.compactMap(\.job?.action) == (0..<150).reversed().map { "a\($0)" })
            #expect(try await bench.client.dead(queue, DeadFilter(reason: "odd"), limit: 70).count == 70)
            let revived = try await bench.client.revive(queue, ids: all.map(\.id).reversed())
            #expect(revived == [Revival](repeating: .revived, count: 150))
            #expect(try await bench.waiting() == (0..<150).map { job("a\($0)") })
        }
    }

    @Test("A revived job has its id, its codec and its other meta, and no traces of attempts", arguments: CodecSet.standard.names)
    func revived(_ name: String) async throws {
        try await Bench.run { bench in
            let codec = try #require(CodecSet.standard.named(name))
            func envelope(_ meta: ValueMap) -> Value {
                let parts: [Value] = ["send", [1, ["deep": [2.5]], "text"], "inbox@other", "the-id"]
                return .array(meta.isEmpty ? parts : parts + [.map(meta)])
            }
            let traces: ValueMap = ["attempt": 25, "last_error": "boom"]
            let bytes = try codec.encode(envelope(traces))
            let kept = try codec.encode(envelope(["trace": "t", "attempt": 2, "attempts": 5, "last_error": "x"]))
            let ids = [try await bench.bury(bytes, level: "low"), try await bench.bury(kept, level: "low")]
            #expect(try await bench.client.revive(queue, ids: ids) == [.revived, .revived])
            let expected = [try codec.encode(envelope([:])), try codec.encode(envelope(["trace": "t", "attempts": 5]))]
            #expect(try await bench.waiting("{q}:low") == expected)
            #expect(try await bench.client.dead(queue).isEmpty)
            #expect(try await bench.client.revive(queue, ids: ids) == [.missing, .missing])
        }
    }

    @Test("A revived job loses times that have passed, and keeps those that have not, so that it is run")
    func times() async throws {
        try await Bench.run { bench in
            let meta = [
                #""deadline":1000,"expires_at":2000"#, #""expires_at":4000000000000,"deadline":1000"#, #""expires_at":"x""#,
            ]
            var ids: [String] = []
            for each in meta { ids.append(try await bench.bury(Array(#"["a",[],null,"x",{\#(each)}]"#.utf8))) }
            #expect(try await bench.client.revive(queue, ids: ids) == [.revived, .revived, .revived])
            let waiting = try await bench.waiting().map { String(decoding: $0, as: UTF8.self) }
            #expect(
                waiting == [
                    #"["a",[],null,"x"]"#, #"["a",[],null,"x",{"expires_at":4000000000000}]"#,
                    #"["a",[],null,"x",{"expires_at":"x"}]"#,
                ])
        }
    }

    @Test("Without traces of attempts the bytes stay exactly as they were")
    func untouched() async throws {
        try await Bench.run { bench in
            let spaced = Array(#"[ "send" , [1.0], null, "x", {"b": 1, "a": 2} ]"#.utf8)
            let id = try await bench.bury(spaced)
            #expect(try await bench.client.revive(queue, ids: [id]) == [.revived])
            #expect(try await bench.waiting() == [spaced])
        }
    }

    @Test("Bytes that are no job go back as they are, and only by force; one that Redis refuses stays and holds up no other")
    func refused() async throws {
        try await Bench.run { bench in
            let rubbish = try await bench.bury([0xC1, 7], reason: "bad_codec")
            let wrong = try await bench.bury(job("send"), level: "high")
            let good = try await bench.bury(job("send"))
            _ = try await bench.redis.execute(["SET", "{q}:high", "no list"])
            let outcomes = try await bench.client.revive(queue, ids: [rubbish, wrong, good, "1-1"])
            guard case .noJob(let why) = outcomes[0], case .refused(let says) = outcomes[1] else {
                Issue.record("\(outcomes)")
                return
            }
            #expect(why.contains("bad_codec") && says.contains("no list"))
            #expect(outcomes[2...] == [.revived, .missing])
            #expect(try await bench.client.dead(queue).map(\.id) == [wrong, rubbish])
            #expect(try await bench.client.revive(queue, ids: [rubbish], force: true) == [.revived])
            #expect(try await bench.waiting() == [job("send"), [0xC1, 7]])
        }
    }

    @Test("Forgotten records are gone, and counted only when they were there; also one without a byte")
    func forgotten() async throws {
        try await Bench.run { bench in
            let ids = [try await bench.bury(job("a")), try await bench.bury(job("b")), try await bench.bury([])]
            #expect(try await bench.client.forget(queue, ids: [ids[0], ids[2], "1-1"]) == 2)
            #expect(try await bench.client.dead(queue).map(\.id) == [ids[1]])
            #expect(try await bench.waiting().isEmpty)
        }
    }

    @Test("Records that nobody of ours wrote are shown as what they are, and harm nothing")
    func hostile() async throws {
        try await Bench.run { bench in
            _ = try await bench.redis.execute(["XADD", "{q}:!dead", "5-1", "x", "y"])
            _ = try await bench.redis.execute([
                "XADD", "{q}:!dead", "6-1", "job", .init([0xFF] as [UInt8]), "detail", .init([0xFF, 0x1B] as [UInt8]), "tries",
                "-9",
                "job", "second",
            ])
            let records = try await bench.client.dead(queue)
            #expect(records.map(\.id) == ["6-1", "5-1"])
            #expect(records[0].payload == [0xFF] && records[0].crashes == 0 && records[0].level == "")
            #expect(records[1].payload.isEmpty && records[1].job == nil && records[1].reason == "")
            // Neither has a level to go back to.
            let outcomes = try await bench.client.revive(queue, ids: ["5-1", "6-1"], force: true)
            #expect(outcomes.allSatisfy { if case .refused = $0 { true } else { false } }, "\(outcomes)")
            #expect(try await bench.client.forget(queue, ids: ["5-1", "6-1"]) == 2)
        }
    }
}
