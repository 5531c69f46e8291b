// The first bytes of a MessagePack value: what it is, and how much it claims.
// Read before libmsgpack sees a byte, because the library takes memory for whatever is claimed.

/// What a header says.
struct MessagePackHeader {
    /// What follows the header.
    enum Form {
        /// Nothing: null, bools, and numbers, which are part of the header here.
        case fixed
        case text, binary, ext, array, map
    }

    var form: Form
    /// Bytes of the header itself; for numbers, of the whole value.
    var size: Int
    /// Bytes of text, binary or ext (without its type), or elements, or pairs.
    var claim: Int

    /// The header at a position, which is in the bytes.
    init(in bytes: UnsafeRawBufferPointer, at position: Int) throws(CodecError) {
        let first = bytes[position]
        switch first {
        case 0x00...0x7F, 0xE0...0xFF, 0xC0, 0xC2, 0xC3: (form, size, claim) = (.fixed, 1, 0)
        case 0xA0...0xBF: (form, size, claim) = (.text, 1, Int(first & 0x1F))
        case 0x90...0x9F: (form, size, claim) = (.array, 1, Int(first & 0x0F))
        case 0x80...0x8F: (form, size, claim) = (.map, 1, Int(first & 0x0F))
        case 0xCC, 0xD0: (form, size, claim) = (.fixed, 2, 0)
        case 0xCD, 0xD1: (form, size, claim) = (.fixed, 3, 0)
        case 0xCA, 0xCE, 0xD2: (form, size, claim) = (.fixed, 5, 0)
        case 0xCB, 0xCF, 0xD3: (form, size, claim) = (.fixed, 9, 0)
        // The type of a fixext stands before its bytes and counts as header.
        case 0xD4...0xD8: (form, size, claim) = (.ext, 2, 1 << Int(first - 0xD4))
        case 0xD9, 0xDA, 0xDB: (form, size, claim) = (.text, 1 + 1 << Int(first - 0xD9), -1)
        case 0xC4, 0xC5, 0xC6: (form, size, claim) = (.binary, 1 + 1 << Int(first - 0xC4), -1)
        case 0xC7, 0xC8, 0xC9: (form, size, claim) = (.ext, 2 + 1 << Int(first - 0xC7), -1)
        case 0xDC, 0xDD: (form, size, claim) = (.array, 3 + 2 * Int(first - 0xDC), -1)
        case 0xDE, 0xDF: (form, size, claim) = (.map, 3 + 2 * Int(first - 0xDE), -1)
        default: throw CodecError(.syntax, "msgpack: 0xC1 begins no value", at: position)
        }
        guard size <= bytes.count - position else {
            throw CodecError(
                .claim, "msgpack: a header of \(size) bytes but only \(bytes.count - position) are left", at: position)
        }
        if claim < 0 {
            claim = 0
            let lengthEnd = form == .ext ? size - 1 : size
            for index in 1..<lengthEnd { claim = claim << 8 | Int(bytes[position + index]) }
        }
    }
}
