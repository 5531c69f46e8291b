import Testing

@testable import TempestBench

@Suite("Advice")
struct AdviceTests {
    private func times(_ codec: String, _ decode: [Double], _ encode: [Double]) -> TimeFigures {
        // As many rounds as a claim needs.
        let repeated = { (rounds: [Double]) in [[Double]](repeating: rounds, count: 4).flatMap { $0 } }
        return TimeFigures(codec: codec, decode: repeated(decode), encode: repeated(encode))
    }

    @Test("The smallest is named with its factors, plain and compressed")
    func size() {
        let figures = [
            SizeFigures(codec: "json", bytes: 133, compressed: 120), SizeFigures(codec: "msgpack", bytes: 100, compressed: 100),
        ]
        #expect(
            Advice.size(figures)
                == "size: MessagePack is smallest (JSON is 1.33 x as large); compressed, MessagePack is smallest (JSON is 1.20 x as "
                + "large).")
        let unknown = figures.map { SizeFigures(codec: $0.codec, bytes: $0.bytes) }
        #expect(Advice.size(unknown) == "size: MessagePack is smallest (JSON is 1.33 x as large).")
    }

    @Test("Where compression makes all alike, or turns the order round, no codec is advised for its size")
    func compression() {
        func advice(_ json: Int, _ msgpack: Int) -> String? {
            Advice.size([
                SizeFigures(codec: "json", bytes: 200, compressed: json),
                SizeFigures(codec: "msgpack", bytes: 100, compressed: msgpack),
            ])
        }
        #expect(
            advice(50, 52) == "size: MessagePack is smallest (JSON is 2.00 x as large); compressed, all are within 10 %.")
        #expect(advice(50, 60) == "size: no advice, gzip turns it round: MessagePack plain, JSON compressed.")
    }

    @Test("Where each leads in something, each is named for that")
    func divided() {
        let advice = Advice.times(
            of: "Python client",
            [
                times("json", [100, 110, 90], [100, 100, 100]), times("msgpack", [200, 220, 180], [90, 80, 90]),
                times("tnetstring", [105, 112, 95], [130, 130, 130]),
            ])
        #expect(
            advice
                == "Python client: JSON or tnetstring for reading, MessagePack for writing. JSON and tnetstring are fastest to read, "
                + "within 10 % (MessagePack takes 2.00 x as long); MessagePack is fastest to write (JSON takes 1.11 x as long, "
                + "tnetstring 1.44 x).")
    }

    @Test("Within 10 % nothing is claimed")
    func tie() {
        #expect(
            Advice.times(of: "x", [times("json", [100], [100]), times("msgpack", [109], [95])])
                == "x: whichever you like, their times do not tell them apart.")
        #expect(
            Advice.size([SizeFigures(codec: "json", bytes: 100), SizeFigures(codec: "msgpack", bytes: 105)])
                == "size: in size all are within 10 %.")
    }

    @Test("A median beyond 10 % that the rounds do not bear out is noise")
    func noise() throws {
        // 1.5 times in the median round, but faster in two of five.
        let advice = Advice.times(
            of: "x",
            [
                times("json", [100, 100, 100, 100, 100], [100, 100, 100, 100, 100]),
                times("msgpack", [150, 160, 150, 90, 90], [200, 200, 200, 200, 200]),
            ])
        #expect(try #require(advice).contains("In reading all are too close for the noise of these rounds"))
    }

    @Test("Where one codec alone can hold the payload, it is the advice")
    func alone() {
        #expect(Advice.size([SizeFigures(codec: "msgpack", bytes: 1)]) == "MessagePack: no other codec can hold it.")
        #expect(Advice.size([]) == nil && Advice.times(of: "x", [times("json", [1], [1])]) == nil)
    }

    @Test("Of few rounds nothing is said about times")
    func few() {
        let figures = ["json", "msgpack"].map { TimeFigures(codec: $0, decode: [1, 1, 1], encode: [5, 5, 5]) }
        #expect(Advice.times(of: "x", figures) == "x: fewer than 4 rounds do not say which is fastest.")
    }

    @Test("Advice is given for each who reads and writes, of the codecs that every program has")
    func readers() {
        var result = PayloadResult(name: "x", about: "")
        result.sizes = ["json", "msgpack", "cbor"].enumerated().map { CodecSize(codec: $1, bytes: 200 - 90 * $0) }
        for (maker, kind) in [("tempest", CandidateKey.Kind.value), ("tempest (Python)", .value), ("orjson", .value)] {
            for (place, codec) in ["json", "msgpack", "cbor"].enumerated() {
                for direction in CandidateKey.Direction.allCases {
                    // In Python the other way round.
                    let time = Double(maker == "tempest" ? 3 - place : 1 + place)
                    result.measurements.append(
                        Measurement(
                            CandidateKey(maker, codec, kind, direction), bytes: 1, iterations: 1,
                            rounds: [Double](repeating: time, count: 4)))
                }
            }
        }
        let advice = result.advice
        #expect(
            advice.map { $0.prefix { $0 != "." } } == [
                "size: MessagePack is smallest (JSON is 1", "Swift, a Value: MessagePack for reading and writing",
                "Python client: JSON for reading and writing",
            ])
    }
}
