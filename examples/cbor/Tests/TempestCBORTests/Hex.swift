// Bytes as the RFC writes them, and how a test looks at a refusal.
// Used by every test here.

import TempestCBOR
import TempestCodecs

/// The bytes of an even number of hexadecimal digits; white space between them is for people.
func hex(_ digits: String) -> [UInt8] {
    let digits = digits.utf8.filter { $0 != 0x20 }
    precondition(digits.count % 2 == 0, "half a byte")
    return stride(from: 0, to: digits.count, by: 2).map { place in
        let byte = UInt8(String(decoding: digits[place...place + 1], as: UTF8.self), radix: 16)
        precondition(byte != nil, "no hexadecimal digits")
        return byte ?? 0
    }
}

/// The bytes as a shell's `printf %b` is told them.
func octal(_ bytes: [UInt8]) -> String {
    bytes.map { "\\0" + String($0, radix: 8) }.joined()
}

/// What every document is written behind.
let tag: [UInt8] = [0xD9, 0xD9, 0xF7]

/// The codec's error that a call throws, or nil.
func refusal<R>(_ body: () throws -> R) -> CodecError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? CodecError
    }
}

/// Whether two values are the same, maps in the same order and zeros of the same sign.
func identical(_ left: Value, _ right: Value) -> Bool {
    switch (left, right) {
    case (.double(let a), .double(let b)): a.bitPattern == b.bitPattern
    case (.array(let a), .array(let b)): a.count == b.count && zip(a, b).allSatisfy { identical($0, $1) }
    case (.map(let a), .map(let b)):
        a.count == b.count && zip(a, b).allSatisfy { $0.key.utf8.elementsEqual($1.key.utf8) && identical($0.value, $1.value) }
    default: left == right
    }
}
