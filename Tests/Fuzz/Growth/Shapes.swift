// Documents that are made to be slow to read: each of about as many bytes as are asked for.
// Before it: nothing. After it: the measurement at n and at 2n bytes.

import TempestCodecs

/// A family of inputs of one codec.
struct Shape {
    var codec: String
    var name: String
    /// Whether the codec reads them; the others it must refuse.
    var isRead: Bool
    /// An input of about so many bytes.
    var make: (Int) -> [UInt8]
}

/// Families in every codec: values, written by the codec itself.
func valueShapes() -> [Shape] {
    let values: [(String, (Int) -> Value)] = [
        ("one flat array", { size in .array((0..<size / 3).map { .int(Int64($0 % 10)) }) }),
        ("arrays 63 deep", { size in .array((0..<size / 340).map { _ in nested(62) { [$0] } }) }),
        ("maps 63 deep", { size in .array((0..<size / 620).map { _ in nested(62) { ["k": $0] } }) }),
        ("a long text 63 deep", { size in nested(62, .text(String(repeating: "a", count: size))) { [$0] } }),
        ("a wide array 62 deep", { size in nested(61, .array((0..<size / 3).map { _ in .null })) { [$0] } }),
        ("keys of equal length and a long common prefix", { size in map(size / 90, prefix: String(repeating: "p", count: 64)) }),
        ("keys of six digits", { size in map(size / 16, prefix: "") }),
        ("keys in falling order", { size in reversed(map(size / 16, prefix: "")) }),
        ("keys of one hash where hashes are like Java's", { size in collisions(size / 45) }),
        ("maps of eight keys", { size in .array((0..<size / 130).map { _ in map(8, prefix: "") }) }),
        ("maps of nine keys", { size in .array((0..<size / 150).map { _ in map(9, prefix: "") }) }),
        ("maps of one key", { size in .array((0..<size / 12).map { _ in ["k": 1] }) }),
        ("maps of many keys in each other", { size in nested(60, .null) { inner in wide(size / 60 / 20, inner) } }),
        ("empty arrays and maps", { size in .array((0..<size / 6).map { $0 % 2 == 0 ? [] : [:] }) }),
        ("control characters", { size in .text(String(repeating: "\u{1}", count: size / 6)) }),
        ("quotation marks", { size in .text(String(repeating: "\"\\", count: size / 4)) }),
        ("letters of four bytes", { size in .text(String(repeating: "\u{1F600}", count: size / 4)) }),
        ("binary", { size in .binary([UInt8](repeating: 0xFF, count: size * 3 / 4)) }),
        ("many small binaries", { size in .array((0..<size / 15).map { _ in .binary([0xFF]) }) }),
        ("floats of seventeen digits", { size in .array((1..<size / 20).map { .double(1.0 / Double($0)) }) }),
    ]
    return values.flatMap { name, value in
        CodecSet.standard.names.compactMap { codec in
            CodecSet.standard.named(codec).map { found in
                Shape(codec: codec, name: name, isRead: true) { written(value($0), found) }
            }
        }
    }
}

/// Families that are written by hand: forms that no writer makes, and forms that are refused.
func byteShapes() -> [Shape] {
    func text(_ codec: String, _ name: String, _ isRead: Bool, _ make: @escaping (Int) -> String) -> Shape {
        Shape(codec: codec, name: name, isRead: isRead) { Array(make($0).utf8) }
    }
    func bytes(_ name: String, _ isRead: Bool, _ make: @escaping (Int) -> [UInt8]) -> Shape {
        Shape(codec: "msgpack", name: name, isRead: isRead, make: make)
    }
    func times(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }
    return [
        text("json", "an integer of many digits", false) { times("9", $0) },
        text("json", "a float of many digits", true) { "0." + times("3", $0) },
        text("json", "an exponent of many zeros", true) { "1e" + times("0", $0) },
        text("json", "an exponent of many digits", false) { "1e" + times("9", $0) },
        text("json", "floats of sixty digits", true) { "[" + times("1." + times("7", 58) + ",", $0 / 61) + "0]" },
        text("json", "white space", true) { "[" + times(" \n", $0 / 2) + "]" },
        text("json", "escapes of pairs", true) { "\"" + times("\\ud83d\\ude00", $0 / 12) + "\"" },
        text("json", "a string that does not end", false) { "\"" + times("\\n", $0 / 2) },
        text("json", "brackets that do not end", false) { times("[", $0) },
        text("json", "a lone surrogate at the end", false) { "\"" + times("\\u0041", $0 / 6) + "\\ud800\"" },
        text("json", "a key of dollar signs", true) { "{\"" + times("$", $0) + "b64\":\"\"}" },
        text("json", "escaped markers", true) { "[" + times("{\"$$b64\":\"YQ==\"},", $0 / 17) + "0]" },
        text("json", "markers that are none", true) { "[" + times("{\"$b64\":\"YQ=\"},", $0 / 15) + "0]" },
        text("json", "the first key again at the end", false) { "{" + keys($0 / 11) { "\"\($0)\":1," } + "\"100000\":1}" },
        text("json", "a million maps that are twice the same key", false) {
            "[" + times("{\"a\":1},", $0 / 8) + "{\"a\":1,\"a\":1}]"
        },
        text("tnetstring", "a length of many digits", false) { times("9", $0) },
        text("tnetstring", "an integer of many digits", false) { "\($0):" + times("9", $0) + "#" },
        text("tnetstring", "a float of many digits", true) { "\($0):0." + times("3", $0 - 2) + "^" },
        text("tnetstring", "lengths that claim everything", false) { size in times("999999999:", size / 10) },
        text("tnetstring", "the first key again at the end", false) { size in
            let inner = keys(size / 13) { "6:\($0),0:~" } + "6:100000,0:~"
            return "\(inner.utf8.count):\(inner)}"
        },
        bytes("arrays of one element that do not end", false) { [UInt8](repeating: 0x91, count: $0) },
        bytes("headers that each claim all the rest", false) { size in
            (0..<size / 5).flatMap { index in
                let left = UInt32(size - 5 * index - 5)
                return [0xDD] + (0..<4).map { UInt8(truncatingIfNeeded: left >> (24 - 8 * $0)) }
            }
        },
        bytes("maps of one pair with keys of bin", true) { size in
            let count = size / 6
            return [0xDD] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) }
                + (0..<count).flatMap { _ in [0x81, 0xC4, 0x01, 0x6B, 0x01] }
        },
        bytes("the longest forms", true) { size in
            let count = size / 9
            return [0xDD] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) }
                + (0..<count).flatMap { _ -> [UInt8] in [0xD3, 0, 0, 0, 0, 0, 0, 0, 1] }
        },
        bytes("exts of one byte", true) { size in
            let count = size / 3
            return [0xDD] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) }
                + (0..<count).flatMap { _ -> [UInt8] in [0xD4, 5, 0] }
        },
        bytes("0xC1 at the end of many", false) { size in
            [0xDD] + (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) } + [UInt8](repeating: 1, count: size - 1) + [
                0xC1
            ]
        },
    ]
}

private func written(_ value: Value, _ codec: some Codec) -> [UInt8] {
    do {
        return try codec.encode(value)
    } catch {
        fatalError("\(codec.name) does not write the document that is to be measured: \(error)")
    }
}

private func nested(_ depth: Int, _ innermost: Value = [], _ wrap: (Value) -> Value) -> Value {
    (0..<depth).reduce(innermost) { value, _ in wrap(value) }
}

private func keys(_ count: Int, _ one: (Int) -> String) -> String {
    (0..<count).map { one(100_000 + $0) }.joined()
}

private func map(_ count: Int, prefix: String) -> Value {
    .map(ValueMap((0..<count).map { ("\(prefix)\(100_000 + $0)", .int(1)) }))
}

private func reversed(_ value: Value) -> Value {
    .map(ValueMap((value.asMap ?? [:]).reversed().map { ($0.key, $0.value) }))
}

/// Keys of `Aa` and `BB`, of which any two of the same length have the same sum in hashes that multiply by 31.
private func collisions(_ count: Int) -> Value {
    .map(
        ValueMap(
            (0..<count).map { number in
                ((0..<20).map { number >> $0 & 1 == 0 ? "Aa" : "BB" }.joined(), .null)
            }))
}

private func wide(_ count: Int, _ inner: Value) -> Value {
    .map(ValueMap((0..<max(count, 1)).map { ("\(100_000_000 + $0)", $0 == 0 ? inner : .int(1)) }))
}
