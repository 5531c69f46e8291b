// The first bytes of a CBOR item (RFC 8949 section 3): its major type and its argument.
// Before it: bytes, or what the writer wants to say. After it: the reader decides what follows.

import TempestCodecs

/// What an item is: the upper three bits of its first byte.
enum CBORMajor: UInt8 {
    case unsigned, negative, bytes, text, array, map, tag
    /// Simple values, floats, and the break.
    case simple
}

/// The head of an item.
struct CBORHead {
    /// The lower five bits of a head whose item goes on until a break.
    static let indefinite: UInt8 = 31
    /// The byte that ends items of indefinite length.
    static let stop: UInt8 = 0xFF

    var major: CBORMajor
    /// The lower five bits of the first byte: the argument itself up to 23; 24 to 27: it follows in 1, 2, 4, 8 bytes; 31.
    var info: UInt8
    /// An integer, a length, a count, a tag's number, a simple value or the bits of a float. 0 if the length is indefinite.
    var argument: UInt64
    /// Bytes of the head: 1, 2, 3, 5 or 9.
    var size: Int

    var isIndefinite: Bool { info == Self.indefinite }

    /// Reads the head at a position, which is in the bytes. Arguments in longer forms than needed are fine.
    init(in bytes: [UInt8], at position: Int) throws(CodecError) {
        let first = bytes[position]
        // Three bits are always one of the eight types.
        major = CBORMajor(rawValue: first >> 5) ?? .simple
        info = first & 0x1F
        (argument, size) = (0, 1)
        switch info {
        case 0...23: argument = UInt64(info)
        case 24...27:
            size = 1 + 1 << Int(info - 24)
            guard size <= bytes.count - position else {
                throw CodecError(
                    .claim, "cbor: a head of \(size) bytes but only \(bytes.count - position) are left", at: position)
            }
            for byte in bytes[position + 1..<position + size] { argument = argument << 8 | UInt64(byte) }
        case Self.indefinite where major != .unsigned && major != .negative && major != .tag: break
        default: throw CodecError(.syntax, "cbor: 0x\(String(first, radix: 16)) begins no item", at: position)
        }
    }

    /// Appends the shortest head of an argument.
    static func append(_ major: CBORMajor, _ argument: UInt64, to bytes: inout [UInt8]) {
        let type = major.rawValue << 5
        switch argument {
        case 0...23: bytes.append(type | UInt8(argument))
        case 24...0xFF: append(type | 24, argument, 1, to: &bytes)
        case 0x100...0xFFFF: append(type | 25, argument, 2, to: &bytes)
        case 0x1_0000...0xFFFF_FFFF: append(type | 26, argument, 4, to: &bytes)
        default: append(type | 27, argument, 8, to: &bytes)
        }
    }

    /// Appends a first byte and the lowest bytes of an argument, the highest of them first.
    static func append(_ first: UInt8, _ argument: UInt64, _ count: Int, to bytes: inout [UInt8]) {
        bytes.append(first)
        for index in (0..<count).reversed() { bytes.append(UInt8(truncatingIfNeeded: argument >> (8 * UInt64(index)))) }
    }
}
