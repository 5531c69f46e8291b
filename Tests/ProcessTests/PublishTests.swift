// `tempest publish`, as it is typed.

import Tempest
import TempestTesting
import Testing

@Suite("The program that publishes", .timeLimit(.minutes(2)))
struct PublishTests {
    @Test("publishes text or JSON, with or without an event, kept or not, and says how many heard it")
    func publish() async throws {
        try await OperatorBench.run { bench in
            let (status, output) = try await bench.tempest("publish", "news", "hello there")
            #expect(status == .exited(0))
            #expect(output.count == 1 && output[0].hasPrefix("0 heard it, kept as "), "\(output)")
            #expect(
                try await bench.tempest("publish", "news", "price", #"{"cents": 12}"#, "--keep", "0").output == ["0 heard it."])
            let line = try await bench.json("publish", "shop:1", "price", "-12", "--keep", "1")
            #expect(line.count == 1 && line[0]["channel"] == "shop:1" && line[0]["heard"] == 0)
            let id = try #require(line[0]["id"]?.asText)
            #expect(try await bench.cli("XRANGE", "tempest:channel:shop:1", "-", "+") == [id, "message", #"["price",-12]"#])
            _ = try await bench.json("publish", "shop:1", "12", "--text", "--keep", "1")
            #expect(try await bench.cli("XRANGE", "tempest:channel:shop:1", "-", "+").last == #"["","12"]"#)
            #expect(try await bench.json("publish", "news", "--end") == [["channel": "news", "id": nil, "heard": 0]])
            #expect(try await bench.cli("XLEN", "tempest:channel:news") == ["1"])
        }
    }

    @Test(
        "says what is wrong with what was typed",
        arguments: [
            (["a b", "x"], "is no channel"), (["news"], "CHANNEL [EVENT] DATA"),
            (["news", "a", "b", "c"], "CHANNEL [EVENT] DATA"),
            (["news", "--end", "x"], "--end takes no EVENT"), (["news", "x", "--keep", "-1"], "--keep"),
            (["news", "a\nb", "x"], "is no event"),
            (["news", "--other", "x"], "there is no option --other"),
        ])
    func mistakes(_ words: [String], _ message: String) async throws {
        try await withPrivateRedis { redis in
            let (status, output) = try await Program.run(["publish"] + words, redis: redis)
            #expect(status != .exited(0))
            #expect(output.joined(separator: "\n").contains(message), "\(output)")
        }
    }
}
