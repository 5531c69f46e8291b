import Foundation
import TempestCodecs
import TempestTesting
import Testing

/// A struct of Foundation's types goes to Python, on to Ruby and back, as bytes of each codec. Each language makes its own types of
/// what it reads, and writes those.
@Suite("Types of languages")
struct TypesTests {
    struct Order: Codable, Equatable {
        var data = Data([0, 255, 104])
        var date = Date(timeIntervalSince1970: 1_796_062_023.25)
        var url = URL(string: "https://a.example/x?q=1#f")
        var uuid = UUID(uuidString: "E621E1F8-C36C-495A-93FC-0C247A3E6E5F")
        var decimal = Decimal(string: "-1234567890.0987654321")
        var large = Int128(Int64.min)
        var larger = UInt128(UInt64.max)
        var dates = [Date(timeIntervalSince1970: 0), Date(timeIntervalSince1970: -0.5)]
        var nothing: Date?
    }

    private static let python = """
        import sys, uuid
        from datetime import datetime
        from decimal import Decimal
        from tempest import codecs
        codec = codecs.CODECS[sys.argv[1]]
        order = codec.decode(bytes.fromhex(sys.argv[2]))
        moment = lambda text: datetime.fromisoformat(text.replace("Z", "+00:00"))
        assert isinstance(order["data"], bytes), order
        order["date"] = moment(order["date"])
        order["dates"] = [moment(text) for text in order["dates"]]
        order["decimal"] = Decimal(order["decimal"])
        order["uuid"] = uuid.UUID(order["uuid"])
        print(codec.encode(order).hex())
        """

    private static let ruby = """
        require "tempest"
        require "bigdecimal"
        require "time"
        require "uri"
        codec = Tempest::Codecs.named(ARGV[0])
        order = codec.decode([ARGV[1]].pack("H*"))
        raise order.inspect unless order["data"].encoding == Encoding::BINARY
        order["date"] = Time.iso8601(order["date"])
        order["dates"] = order["dates"].map { |text| Time.iso8601(text) }
        order["decimal"] = BigDecimal(order["decimal"])
        order["url"] = URI(order["url"])
        puts codec.encode(order).unpack1("H*")
        """

    @Test(
        "Foundation's are equal after they were Python's and Ruby's, in every codec",
        arguments: ["json", "msgpack", "tnetstring"])
    func roundTrip(_ name: String) async throws {
        let codec: any Codec = try #require(CodecSet.standard.named(name))
        let clients = "\(Program.root)/clients"
        let sent = try codec.encode(encoding: Order())
        let fromPython = try await Self.output(
            "/usr/bin/python3", ["-c", Self.python, name, Self.hex(sent)], ["PYTHONPATH": "\(clients)/python/src"])
        let fromRuby = try await Self.output("ruby", ["-I\(clients)/ruby/lib", "-e", Self.ruby, name, fromPython], [:])
        let bytes = try #require(Self.bytes(fromRuby), "\(fromRuby)")
        #expect(try codec.decode(Order.self, from: bytes) == Order())
    }

    private static func output(_ program: String, _ words: [String], _ environment: [String: String?]) async throws -> String {
        try await ProcessRunner(program, words, environment: environment).run { child in
            let status = try await child.waitForExit(within: .seconds(60))
            #expect(status == .exited(0), "\(child.output)")
            return child.output.last ?? ""
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func bytes(_ hex: String) -> [UInt8]? {
        let digits = Array(hex)
        guard digits.count % 2 == 0, !digits.isEmpty else { return nil }
        let bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
        return bytes.contains(nil) ? nil : bytes.compactMap { $0 }
    }
}
