import Foundation
import TempestCodecs
import Testing

@testable import TempestBench

@Suite("A type of the reader's own")
struct OwnTypeTests {
    struct Order: Codable, Equatable {
        var id: Int
        var prices: [Double]
        var photo: Data?
    }

    struct Point: Codable, TokenReadable, TokenWritable {
        var x: Int

        init(x: Int) { self.x = x }

        init(reading node: Node) throws {
            var map = try node.map()
            x = try map.read("x")
        }

        func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
            try writer.beginMap(count: 1)
            try writer.write("x", x)
            try writer.endMap()
        }
    }

    private func lines(_ own: OwnType) async throws -> (PayloadResult, [String]) {
        var bench = CodecBench()
        bench.rounds = Rounds(count: 1, batch: 1)
        let report = try await bench.report(own)
        let payload = try #require(report.payloads.first)
        return (payload, payload.lines.map { "\($0.maker) \($0.codec) \($0.kind)" })
    }

    @Test("Codable, Value and Foundation's JSON are measured, in every codec, with sizes and advice")
    func codable() async throws {
        let (payload, lines) = try await lines(OwnType("order", Order(id: 7, prices: [1.5, 2])))
        for codec in ["json", "msgpack", "tnetstring"] {
            #expect(lines.contains("tempest \(codec) value") && lines.contains("tempest \(codec) codable"))
        }
        #expect(lines.contains("Foundation json codable") && lines.contains("Foundation json value"))
        #expect(!lines.contains { $0.hasSuffix("tokens") })
        #expect(payload.name == "order" && payload.about == "your type Order" && payload.sizes.count == 4)
        #expect(payload.remarks.isEmpty && payload.advice.contains { $0.hasPrefix("Swift, a Codable type: ") })
    }

    @Test("Tokens are measured of a type that reads and writes them")
    func tokens() async throws {
        var own = try OwnType("point", Point(x: 3))
        own.addTokens(Point(x: 3))
        let (_, lines) = try await lines(own)
        for codec in ["json", "msgpack", "tnetstring"] { #expect(lines.contains("tempest \(codec) tokens")) }
    }

    @Test("Bytes in a type are not compared with a tree of Foundation's, which has no form for them")
    func bytes() async throws {
        let (payload, lines) = try await lines(OwnType("order", Order(id: 7, prices: [], photo: Data([0, 255]))))
        #expect(lines.contains("Foundation json codable") && !lines.contains("Foundation json value"))
        #expect(payload.remarks.isEmpty)
    }

    @Test("What no codec can hold is an error of the call")
    func refused() {
        #expect(throws: EncodingError.self) { try OwnType("order", Order(id: 7, prices: [.nan])) }
    }
}
