// All the examples of RFC 8949 appendix A, and the malformed ones of appendix F.
// Those that Tempest has no value for are refused, each with its reason.

import TempestCBOR
import TempestCodecs
import Testing

@Suite("The examples of RFC 8949")
struct AppendixATests {
    /// Read as the value, and written as these bytes.
    static let both: [(String, Value)] = [
        ("00", 0), ("01", 1), ("0a", 10), ("17", 23), ("1818", 24), ("1819", 25), ("1864", 100), ("1903e8", 1000),
        ("1a000f4240", 1_000_000), ("1b000000e8d4a51000", 1_000_000_000_000), ("1bffffffffffffffff", Value(UInt64.max)),
        ("20", -1), ("29", -10), ("3863", -100), ("3903e7", -1000),
        ("f90000", 0.0), ("f98000", -0.0), ("f93c00", 1.0), ("fb3ff199999999999a", 1.1), ("f93e00", 1.5), ("f97bff", 65504.0),
        ("fa47c35000", 100000.0), ("fa7f7fffff", 3.4028234663852886e+38), ("fb7e37e43c8800759c", 1.0e+300),
        ("f90001", 5.960464477539063e-8), ("f90400", 0.00006103515625), ("f9c400", -4.0), ("fbc010666666666666", -4.1),
        ("f4", false), ("f5", true), ("f6", nil),
        ("40", .binary([])), ("4401020304", .binary([1, 2, 3, 4])),
        ("60", ""), ("6161", "a"), ("6449455446", "IETF"), ("62225c", "\"\\"), ("62c3bc", "\u{FC}"), ("63e6b0b4", "\u{6C34}"),
        ("64f0908591", "\u{10151}"),
        ("80", []), ("83010203", [1, 2, 3]), ("8301820203820405", [1, [2, 3], [4, 5]]),
        ("98190102030405060708090a0b0c0d0e0f101112131415161718181819", .array((1...25).map { Value($0) })),
        ("a0", [:]), ("a26161016162820203", ["a": 1, "b": [2, 3]]), ("826161a161626163", ["a", ["b": "c"]]),
        ("a56161614161626142616361436164614461656145", ["a": "A", "b": "B", "c": "C", "d": "D", "e": "E"]),
    ]

    /// Read as the value; written otherwise.
    static let read: [(String, Value)] = [
        ("5f42010243030405ff", .binary([1, 2, 3, 4, 5])), ("7f657374726561646d696e67ff", "streaming"),
        ("9fff", []), ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]), ("9f01820203820405ff", [1, [2, 3], [4, 5]]),
        ("83018202039f0405ff", [1, [2, 3], [4, 5]]), ("83019f0203ff820405", [1, [2, 3], [4, 5]]),
        ("9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", .array((1...25).map { Value($0) })),
        ("bf61610161629f0203ffff", ["a": 1, "b": [2, 3]]), ("826161bf61626163ff", ["a", ["b": "c"]]),
        ("bf6346756ef563416d7421ff", ["Fun": true, "Amt": -2]),
    ]

    /// Refused, with this code and these words.
    static let refused: [(String, CodecError.Code, String)] = [
        ("c249010000000000000000", .number, "bignum"), ("c349010000000000000000", .number, "bignum"),
        ("3bffffffffffffffff", .number, "below -2^63"),
        ("f97c00", .number, "not finite"), ("f97e00", .number, "not finite"), ("f9fc00", .number, "not finite"),
        ("fa7f800000", .number, "not finite"), ("fa7fc00000", .number, "not finite"), ("faff800000", .number, "not finite"),
        ("fb7ff0000000000000", .number, "not finite"), ("fb7ff8000000000000", .number, "not finite"),
        ("fbfff0000000000000", .number, "not finite"),
        ("f7", .unencodable, "undefined"), ("f0", .unencodable, "simple value 16"), ("f8ff", .unencodable, "simple value 255"),
        ("c074323031332d30332d32315432303a30343a30305a", .unencodable, "tag 0 "), ("c11a514b67b0", .unencodable, "tag 1 "),
        ("c1fb41d452d9ec200000", .unencodable, "tag 1 "), ("d74401020304", .unencodable, "tag 23 "),
        ("d818456449455446", .unencodable, "tag 24 "),
        ("d82076687474703a2f2f7777772e6578616d706c652e636f6d", .unencodable, "tag 32 "),
        ("a201020304", .text, "key must be text"),
    ]

    @Test("An example is read, with the tag before it and without, and written in the same bytes", arguments: both)
    func roundTrip(_ digits: String, _ value: Value) throws {
        #expect(identical(try CBORCodec().value(hex(digits)), value))
        #expect(identical(try CBORCodec().value(tag + hex(digits)), value))
        #expect(try CBORCodec().encode(value) == tag + hex(digits))
    }

    @Test("An example of indefinite length is read, and written with its length", arguments: read)
    func indefinite(_ digits: String, _ value: Value) throws {
        #expect(identical(try CBORCodec().value(hex(digits)), value))
        let written = try CBORCodec().encode(value)
        #expect(written != tag + hex(digits))
        #expect(identical(try CBORCodec().value(written), value))
    }

    @Test("An example that stands for no value is refused with the reason", arguments: refused)
    func refusals(_ digits: String, _ code: CodecError.Code, _ words: String) throws {
        let error = try #require(refusal { try CBORCodec().parse(hex(digits)) })
        #expect(error.code == code && error.message.contains(words), "\(error)")
        // It is the first key of the map that is no text.
        let place = code == .text ? 1 : 0
        #expect(error.offset == place)
        // Inside of others, and behind the tag, no less; and the offset counts all bytes.
        #expect(refusal { try CBORCodec().parse(tag + [0x81] + hex(digits)) }?.offset == place + 4)
    }

    /// Appendix F: not well-formed.
    static let malformed: [(String, String)] = [
        ("the end in a head", "18 19 1a 1b 1901 1a0102 1b01020304050607 38 58 78 98 9a01ff00 b8 d8 f8 f900 fa0000 fb000000"),
        (
            "strings with short data",
            "41 61 5affffffff00 5bffffffffffffffff010203 7affffffff00 7b7fffffffffffffff010203"
        ),
        ("arrays and maps with too few items", "81 818181818181818181 8200 a1 a20102 a100 a2000000 a16161 a2616101 a261610161"),
        ("a tag without content", "c0"),
        ("strings without a break", "5f4100 7f6100 5f 7f"),
        (
            "arrays and maps without a break",
            "9f 9f0102 bf bf01020102 bf616101 819f 9f8000 9f9f9f9f9fffffffff 9f819f819f9fffffff"
        ),
        (
            "reserved heads",
            "1c 1d 1e 3c 3d 3e 5c 5d 5e 7c 7d 7e 9c 9d 9e bc bd be dc dd de fc fd fe"
        ),
        ("simple values in two bytes that fit one", "f800 f801 f814 f818 f81f"),
        ("chunks of another type", "5f00ff 5f21ff 5f6100ff 5f80ff 5fa0ff 5fc000ff 5fe0ff 7f4100ff 7ff6ff"),
        ("chunks of indefinite length", "5f5f4100ffff 7f7f6100ffff"),
        ("a break by itself", "ff d9d9f7ff"),
        (
            "a break in what has a length",
            "81ff 8200ff a1ff a1ff00 a100ff a20000ff a16161ff a2616100ff 9f81ff 9f829f819f9fffffffff"
        ),
        ("a break in the place of a value", "bf00ff bf000000ff bf6161ff bf6161006162ff"),
        ("integers and tags of indefinite length", "1f 3f df"),
        ("a tag before a break", "9fc0ff 81c0ff"),
        ("nothing", ""),
    ]

    @Test("What is not well-formed is refused", arguments: malformed)
    func notWellFormed(_ what: String, _ rows: String) throws {
        for row in rows.split(separator: " ", omittingEmptySubsequences: rows != "") {
            let bytes = hex(String(row))
            #expect(throws: CodecError.self, "\(what): \(row)") { try CBORCodec().parse(bytes) }
            #expect(throws: CodecError.self, "\(what): the tag and \(row)") { try CBORCodec().parse(tag + bytes) }
            #expect(throws: CodecError.self, "\(what): \(row) in an array") { try CBORCodec().parse([0x81] + bytes) }
            // Of nothing at all, this makes an array without elements.
            guard !bytes.isEmpty else { continue }
            #expect(throws: CodecError.self, "\(what): \(row) before a break") { try CBORCodec().parse([0x9F] + bytes + [0xFF]) }
        }
    }
}
