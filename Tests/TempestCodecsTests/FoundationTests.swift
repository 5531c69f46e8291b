import Foundation
import TempestCodecs
import Testing

/// What other languages read and write for Foundation's types (protocol/codecs.md, "Types of languages").
@Suite("Foundation's types as fields")
struct FoundationTests {
    struct Record: Codable, Equatable {
        var data: Data
        var date: Date
        var url: URL
        var uuid: UUID
        var decimal: Decimal
        var large: Int128
        var larger: UInt128
        var dates: [Date]
        var byName: [String: Data]
        var nothing: Date?
    }

    static let record = Record(
        data: Data([0, 255, 104]), date: Date(timeIntervalSince1970: 1_796_062_023.25),
        url: URL(string: "https://a.example/x?q=1#f")!,
        uuid: UUID(uuidString: "E621E1F8-C36C-495A-93FC-0C247A3E6E5F")!, decimal: Decimal(string: "-1234567890.0987654321")!,
        large: Int128(Int64.min), larger: UInt128(UInt64.max), dates: [Date(timeIntervalSince1970: 0), .distantPast],
        byName: ["a": Data(), "b": Data("hi".utf8)], nothing: nil)

    private static let codecs: [any Codec] = [JSONCodec(), MessagePackCodec(), TNetstringCodec()]

    private func value(_ encodable: some Encodable) throws -> Value {
        try MessagePackCodec().value(MessagePackCodec().encode(encoding: encodable))
    }

    private func decode<T: Decodable>(_ type: T.Type, _ value: Value) throws -> T {
        try MessagePackCodec().parse(MessagePackCodec().encode(value)).root.decode(type)
    }

    @Test("come back equal through every codec", arguments: 0..<3)
    func roundTrip(_ number: Int) throws {
        let codec = Self.codecs[number]
        let bytes = try codec.encode(encoding: Self.record)
        #expect(try codec.parse(bytes).root.decode(Record.self) == Self.record)
        // By themselves, too, as arguments and answers are.
        #expect(try codec.parse(codec.encode(encoding: Self.record.date)).root.decode(Date.self) == Self.record.date)
        #expect(
            try codec.parse(codec.encode(encoding: [Self.record.decimal])).root.decode([Decimal].self) == [Self.record.decimal])
    }

    @Test("are written in one form each")
    func forms() throws {
        let found = try value(Self.record)
        #expect(
            found == [
                "data": .binary([0, 255, 104]), "date": "2026-11-30T18:07:03.250Z", "url": "https://a.example/x?q=1#f",
                "uuid": "E621E1F8-C36C-495A-93FC-0C247A3E6E5F", "decimal": "-1234567890.0987654321", "large": .int(.min),
                "larger": .uint(.max), "dates": ["1970-01-01T00:00:00Z", "0000-12-30T00:00:00Z"],
                "byName": found["byName"] ?? nil,
            ])
        #expect(found["byName"]?["b"] == .binary(Array("hi".utf8)))
        let bytes = try JSONCodec().encode(encoding: Data([104, 105]))
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"$b64":"aGk="}"#)
        let large = Data(repeating: 7, count: 1_000_000)
        #expect(try MessagePackCodec().encode(encoding: large).count == 1_000_005)
        #expect(try value(Data([9, 1, 2, 9])[1...2]) == .binary([1, 2]), "a part of other data")
    }

    @Test(
        "Dates are read in every form",
        arguments: [
            ("2026-11-30T18:07:03.250Z", 1_796_062_023.25), ("2026-11-30T18:07:03.25+00:00", 1_796_062_023.25),
            ("2026-11-30 18:07:03.250000Z", 1_796_062_023.25), ("2026-11-30t19:37:03.25+01:30", 1_796_062_023.25),
            ("2026-11-30 18:07:03 UTC", 1_796_062_023), ("2026-11-30 13:07:03 -0500", 1_796_062_023),
            ("2026-11-30T18:07:03.250000000999Z", 1_796_062_023.25), ("1969-12-31T23:59:59.5Z", -0.5),
            ("2000-02-29T00:00:00Z", 951_782_400),
            (.int(1_796_062_023), 1_796_062_023), (.double(1_796_062_023.25), 1_796_062_023.25), (.double(-0.5), -0.5),
            (.ext(type: -1, data: [0x6B, 0x0D, 0xA1, 0xC7]), 1_796_055_495),
            (.ext(type: -1, data: [0x3B, 0x9A, 0xCA, 0x00, 0x6B, 0x0D, 0xA1, 0xC7]), 1_796_055_495.25),
            (.ext(type: -1, data: [0x0E, 0xE6, 0xB2, 0x80] + [UInt8](repeating: 255, count: 8)), -0.75),
        ] as [(Value, Double)])
    func dates(_ form: Value, _ seconds: Double) throws {
        #expect(try decode(Date.self, form) == Date(timeIntervalSince1970: seconds))
    }

    @Test(
        "What is no moment is refused",
        arguments: [
            "2026-11-30T18:07:03", "2026-11-30", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-30T24:00:00Z", "now",
            "",
            "2026-11-30T18:07:03.Z", "2026-11-30T18:07:03+1", "-001-01-01T00:00:00Z", "2026-11-30T18:07:03Zx", .double(1e300),
            .bool(true),
            .ext(type: 5, data: [0, 0, 0, 0]), .ext(type: -1, data: [1]), .array([]), .int(.max),
            .ext(type: -1, data: [255, 255, 255, 255] + [UInt8](repeating: 0, count: 8)),
        ] as [Value])
    func noDates(_ form: Value) throws {
        #expect(throws: DecodingError.self) { try decode(Date.self, form) }
    }

    @Test("Any Date comes back as it was, and its text is that of Foundation")
    func anyDate() throws {
        var generator = SeededRandom(seed: 5)
        for _ in 0..<5000 {
            let seconds = Double.random(in: -60_000_000_000...250_000_000_000, using: &generator)
            let date = Date(
                timeIntervalSinceReferenceDate: Bool.random(using: &generator) ? seconds : (seconds * 1000).rounded() / 1000)
            guard case .text(let text) = try value(date) else { return #expect(Bool(false), "no text") }
            #expect(try decode(Date.self, .text(text)) == date, "\(text)")
            let whole = Date(timeIntervalSinceReferenceDate: date.timeIntervalSinceReferenceDate.rounded(.down))
            // Before that Foundation counts by the Julian calendar; RFC 3339, Python and Ruby do not.
            if seconds > -13_159_000_000 { #expect(text.hasPrefix(whole.ISO8601Format().dropLast()), "\(text)") }
        }
    }

    @Test(
        "Decimals are read in every form",
        arguments: [
            ("0.1", "0.1"), (.double(0.1), "0.1"), (.int(-5), "-5"), (.uint(.max), "18446744073709551615"), ("1E+3", "1000"),
            ("0.125e3", "125"), ("-0", "0"), ("000.50", "0.5"), ("+7.", "7"), (".5", "0.5"), ("1e-100", "1e-100"),
            ("1e127", "1e127"),
            ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"), (.double(1e22), "1e22"),
        ] as [(Value, String)])
    func decimals(_ form: Value, _ text: String) throws {
        let found = try decode(Decimal.self, form)
        #expect(found == Decimal(string: text), "\(found)")
        #expect(try decode(Decimal.self, value(found)) == found)
    }

    @Test(
        "What is no decimal number, or has more digits than one holds, is refused",
        arguments: [
            "", "-", ".", "1e", "NaN", "Infinity", "0x1", "1,5", " 1", "1 ", "123456789012345678901234567890123456789", "1e400",
            "1e-400",
            "1e99999999999999999999", .bool(true), .array([]), .double(1.5e300),
        ] as [Value])
    func noDecimals(_ form: Value) throws {
        #expect(throws: DecodingError.self) { try decode(Decimal.self, form) }
    }

    @Test("Decimal.nan, and dates that no calendar of four digits has, are refused")
    func noValues() throws {
        #expect(throws: EncodingError.self) { try value(Decimal.nan) }
        #expect(throws: EncodingError.self) { try value(Date(timeIntervalSince1970: 1e15)) }
        #expect(throws: EncodingError.self) { try value(["a": Date(timeIntervalSince1970: .infinity)]) }
    }

    @Test(
        "A URL that is relative to another is written as the one that it stands for",
        arguments: [
            "b", "../b", "/b?x=1", "?q", "#f", "//host/p", "./", "../../../g", "b/./c/../d", "", "mailto:a@b.c", "g;x=1/../y",
        ])
    func urls(_ text: String) throws {
        let base = try #require(URL(string: "https://user@a.example:81/one/two/three?k=v#w"))
        guard let url = URL(string: text, relativeTo: base) else { return }
        let found = try decode(URL.self, value(url))
        #expect(try value(url) == .text(url.absoluteString), "\(url)")
        #expect(found.absoluteString == url.absoluteString)
    }

    @Test("What is no URL or UUID is refused with its path")
    func refusals() throws {
        struct Link: Codable { var at: URL }
        let error = #expect(throws: DecodingError.self) { try decode([Link].self, [["at": ""]]) }
        guard case .dataCorrupted(let context)? = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(context.codingPath.map(\.stringValue) == ["Index 0", "at"])
        #expect(throws: DecodingError.self) { try decode(UUID.self, "no") }
        #expect(throws: DecodingError.self) { try decode(URL.self, 5) }
        let uuid = Self.record.uuid
        #expect(try decode(UUID.self, .text(uuid.uuidString.lowercased())) == uuid)
        #expect(try decode(UUID.self, .binary(withUnsafeBytes(of: uuid.uuid) { Array($0) })) == uuid)
    }

    @Test("Data is read from binary, text and arrays of bytes")
    func data() throws {
        for form: Value in [.binary([104, 105]), "hi", [104, 105]] { #expect(try decode(Data.self, form) == Data("hi".utf8)) }
        #expect(throws: DecodingError.self) { try decode(Data.self, [256]) }
        #expect(throws: DecodingError.self) { try decode(Data.self, nil) }
        #expect(try decode(Data?.self, nil) == nil)
    }
}
