import Testing

@testable import TempestBench

@Suite("Advice")
struct AdviceTests {
    private func figures(
        _ codec: String, _ bytes: Int, _ decode: [Double], _ encode: [Double], compressed: Int? = nil
    ) -> CodecFigures {
        // As many rounds as a claim needs.
        let repeated = { (rounds: [Double]) in [[Double]](repeating: rounds, count: 4).flatMap { $0 } }
        return CodecFigures(
            codec: codec, bytes: bytes, compressed: compressed, decode: repeated(decode), encode: repeated(encode))
    }

    @Test("One codec that leads in everything is named with its factors")
    func one() {
        let advice = Advice.sentence(
            "binary",
            [
                figures("json", 133, [300, 300, 300], [400, 400, 400]),
                figures("msgpack", 100, [100, 100, 100], [100, 100, 100]),
            ])
        #expect(
            advice
                == "binary: MessagePack for everything. MessagePack is smallest (JSON is 1.33 x as large); MessagePack is fastest to "
                + "read (JSON takes 3.00 x as long); MessagePack is fastest to write (JSON takes 4.00 x as long).")
    }

    @Test("Where each leads in something, each is named for that")
    func divided() {
        let advice = Advice.sentence(
            "job",
            [
                figures("json", 120, [100, 110, 90], [100, 100, 100], compressed: 110),
                figures("msgpack", 90, [200, 220, 180], [150, 150, 150], compressed: 108),
                figures("tnetstring", 140, [105, 112, 95], [130, 130, 130], compressed: 112),
            ])
        #expect(
            advice
                == "job: JSON for reading and writing, MessagePack for size. MessagePack is smallest (JSON is 1.33 x as large, "
                + "tnetstring 1.56 x); JSON and tnetstring are fastest to read, within 10 % (MessagePack takes 2.00 x as long); JSON "
                + "is fastest to write (tnetstring takes 1.30 x as long, MessagePack 1.50 x); compressed, all are within 10 % in size."
        )
    }

    @Test("Within 10 % nothing is claimed")
    func tie() {
        let advice = Advice.sentence("x", [figures("json", 100, [100], [100]), figures("msgpack", 105, [109], [95])])
        #expect(advice == "x: take whichever you like, these figures do not tell them apart by more than 10 %.")
    }

    @Test("A median beyond 10 % that the rounds do not bear out is noise")
    func noise() throws {
        // 1.5 times in the median round, but faster in two of five.
        let advice = Advice.sentence(
            "x",
            [
                figures("json", 100, [100, 100, 100, 100, 100], [100, 100, 100, 100, 100]),
                figures("msgpack", 50, [150, 160, 150, 90, 90], [100, 100, 100, 100, 100]),
            ])
        #expect(try #require(advice).contains("in reading all are too close for the noise of these rounds"))
    }

    @Test("Where one codec alone can hold the payload, it is the advice")
    func alone() {
        #expect(Advice.sentence("x", [figures("msgpack", 1, [1], [1])]) == "x: MessagePack, no other codec can hold it.")
        #expect(Advice.sentence("x", []) == nil)
    }

    @Test("Of few rounds only the size is said")
    func few() {
        let figures = ["json", "msgpack"].enumerated().map { place, codec in
            CodecFigures(codec: codec, bytes: 9 - place, compressed: nil, decode: [1, 1, 1], encode: [5, 5, 5])
        }
        #expect(
            Advice.sentence("x", figures) == "x: MessagePack is smallest; fewer than 4 rounds do not say which is fastest.")
    }

    @Test("Compression that changes the order is said")
    func compression() throws {
        let advice = try #require(
            Advice.sentence(
                "x", [figures("json", 200, [1], [1], compressed: 50), figures("msgpack", 100, [1], [1], compressed: 60)]))
        #expect(advice.hasSuffix("; compressed, JSON is smallest."))
    }
}
