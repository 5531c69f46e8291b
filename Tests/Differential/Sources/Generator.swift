// Values of every kind and range, from a seed: the same number gives the same value, always.
// Before it: a request of the comparison. After it: all codecs of all languages.

import TempestCodecs

/// Makes one value after the other.
struct Generator {
    private var state: UInt64
    private var budget = 0
    private var hasExt = false

    /// `number`: which of the values of this seed.
    init(seed: UInt64, number: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 ^ (number &+ 1) &* 0xD129_0A5F_3B6E_8C47
        _ = next()
    }

    /// The value.
    mutating func value() -> Value {
        hasExt = below(6) == 0
        switch below(100) {
        case 0: return below(40) == 0 ? large() : wideMap()
        case 1...3: return deep()
        case 4...12: return scalar()
        default:
            budget = 2 + below(60)
            return container(depth: 0)
        }
    }

    /// SplitMix64.
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }

    private mutating func below(_ bound: Int) -> Int {
        Int(next() % UInt64(bound))
    }

    private mutating func container(depth: Int) -> Value {
        let count = below(4) == 0 ? below(20) : below(6)
        if below(2) == 0 { return .array((0..<count).map { _ in element(depth: depth + 1) }) }
        if below(8) == 0 { return marker() }
        return .map(ValueMap((0..<count).map { _ in (key(), element(depth: depth + 1)) }))
    }

    private mutating func element(depth: Int) -> Value {
        budget -= 1
        if budget > 0, depth < 20, below(3) == 0 { return container(depth: depth) }
        return scalar()
    }

    /// Up to the limit of depth, with a scalar or an empty container at the bottom.
    private mutating func deep() -> Value {
        var value = below(2) == 0 ? scalar() : below(2) == 0 ? [] : [:]
        let room = value.kind == .array || value.kind == .map ? 63 : 64
        for _ in 0..<room - below(4) {
            let inner = value
            value = below(2) == 0 ? .array([inner]) : .map(ValueMap([(key(), inner)]))
        }
        return value
    }

    /// Around 65,536 bytes or elements, where lengths begin to need four bytes.
    private mutating func large() -> Value {
        let count = 65_534 + below(4)
        return switch below(5) {
        case 0: .text(String(repeating: "a", count: count))
        case 1: .binary([UInt8](repeating: 0xFF, count: count))
        case 2: .ext(type: 1, data: [UInt8](repeating: 0, count: count))
        case 3: .array([Value](repeating: .null, count: count))
        default: .map(ValueMap((0..<count).map { ("\($0)", .null) }))
        }
    }

    private mutating func wideMap() -> Value {
        let count = 5 + below(500)
        let prefix = below(2) == 0 ? text() : ""
        return .map(ValueMap((0..<count).map { ("\(prefix)\($0)\(key())", scalar()) }))
    }

    /// Maps that look like binary in JSON, and some that almost do.
    private mutating func marker() -> Value {
        let dollars = String(repeating: "$", count: 1 + below(3))
        let texts = ["", "aGk=", "/w==", "aGk", "aG k=", "aGl=", "aGkK", "AAAA", "____", "=", "YQ==YQ==", "é==="]
        let key = below(10) == 0 ? dollars + "B64" : dollars + "b64"
        let content: Value = below(6) == 0 ? scalar() : .text(texts[below(texts.count)])
        if below(8) == 0 { return .map(ValueMap([(key, content), (self.key(), .null)])) }
        return .map(ValueMap([(key, content)]))
    }

    private mutating func key() -> String {
        let keys = ["", "a", "b", "$b64", "$$b64", "$", "b64", "é", "e\u{301}", "\u{0}", "\"", "\\", "\n", "\r\n", "1", "null"]
        return below(3) == 0 ? keys[below(keys.count)] : text()
    }

    private mutating func scalar() -> Value {
        switch below(12) {
        case 0: .null
        case 1: .bool(below(2) == 0)
        case 2...4: integer()
        case 5...6: .double(float())
        case 7...9: .text(text())
        case 10: .binary(binary())
        default: hasExt ? .ext(type: Int8(truncatingIfNeeded: below(256)), data: binary()) : integer()
        }
    }

    private mutating func integer() -> Value {
        let bits = next() >> UInt64(below(64))
        switch below(4) {
        case 0: return Value(bits)
        case 1: return .int(-Int64(clamping: bits))
        case 2: return .int(Int64(bitPattern: next()))
        default:
            // Beside the powers of two, where formats change.
            let power = UInt64(1) << UInt64(below(64))
            let near = power &+ UInt64(below(3)) &- 1
            return below(2) == 0 ? Value(near) : .int(Int64(clamping: -Int128(near)))
        }
    }

    private mutating func float() -> Double {
        let edges: [Double] = [
            0, -0.0, 1, -1, 0.1, 1e21, 1e-7, 9.999999999999999e20, 9.99e-8, .leastNonzeroMagnitude, 2.2250738585072014e-308, 1e22,
            1e23,
            .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 9_007_199_254_740_992, 18_446_744_073_709_551_616,
        ]
        switch below(5) {
        case 0: return edges[below(edges.count)]
        case 1: return Double(Int64(bitPattern: next() >> UInt64(below(64))))
        case 2: return Double(below(1_000_000)) / 1000
        case 3: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: next()) & 0xBFFF_FFFF))
        default:
            let float = Double(bitPattern: next())
            return float.isFinite ? float : 1.5
        }
    }

    private mutating func text() -> String {
        var scalars = String.UnicodeScalarView()
        let length = below(20) == 0 ? below(300) : below(12)
        let isASCII = below(2) == 0
        for _ in 0..<length { scalars.append(scalar(isASCII: isASCII)) }
        return String(scalars)
    }

    private mutating func scalar(isASCII: Bool) -> Unicode.Scalar {
        let odd: [UInt32] = [
            0, 0x1F, 0x22, 0x5C, 0x2F, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000,
            0x10FFFF,
            0x2028, 0x301, 0x200D, 0x202E,
        ]
        let code: UInt32 =
            if isASCII {
                UInt32(0x20 + below(0x5F))
            } else {
                switch below(6) {
                case 0: UInt32(below(0x80))
                case 1: odd[below(odd.count)]
                case 2: UInt32(0x80 + below(0x780))
                case 3: UInt32(0x800 + below(0xF800))
                case 4: UInt32(0x10000 + below(0x10_0000))
                default: UInt32(0x61 + below(26))
                }
            }
        return Unicode.Scalar(code) ?? "\u{E000}"
    }

    private mutating func binary() -> [UInt8] {
        if below(4) == 0 { return Array(text().utf8) }
        let sizes = [0, 1, 2, 3, 4, 8, 16, 17, 31, 32, 255, 256]
        let count = below(2) == 0 ? sizes[below(sizes.count)] : below(40)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }
}
