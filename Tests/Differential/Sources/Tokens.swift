// A value as text in which nothing is lost: kind, sign of zero, order of keys. Every language of the comparison writes the same.
// Before it: a codec that read a value. After it: the comparison, byte by byte.

import TempestCodecs

extension Value {
    /// Appends `n`, `t`, `f`, `i-12;`, `d` and 16 hexadecimal digits, `s3:abc`, `b3:abc`, `e5,3:abc`, `[…]`, `{key value…}`.
    func appendTokens(to out: inout [UInt8]) {
        switch self {
        case .null: out.append(UInt8(ascii: "n"))
        case .bool(let bool): out.append(UInt8(ascii: bool ? "t" : "f"))
        case .int(let int): out.append(contentsOf: "i\(int);".utf8)
        case .uint(let uint): out.append(contentsOf: "i\(uint);".utf8)
        case .double(let double):
            let digits = String(double.bitPattern, radix: 16)
            out.append(contentsOf: "d\(String(repeating: "0", count: 16 - digits.count))\(digits)".utf8)
        case .text(let text): Self.append("s", Array(text.utf8), to: &out)
        case .binary(let bytes): Self.append("b", bytes, to: &out)
        case .ext(let type, let data): Self.append("e\(type),", data, to: &out)
        case .array(let array):
            out.append(UInt8(ascii: "["))
            for element in array { element.appendTokens(to: &out) }
            out.append(UInt8(ascii: "]"))
        case .map(let map):
            out.append(UInt8(ascii: "{"))
            for (key, value) in map {
                Self.append("s", Array(key.utf8), to: &out)
                value.appendTokens(to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    private static func append(_ kind: String, _ bytes: [UInt8], to out: inout [UInt8]) {
        out.append(contentsOf: "\(kind)\(bytes.count):".utf8)
        out.append(contentsOf: bytes)
    }
}
