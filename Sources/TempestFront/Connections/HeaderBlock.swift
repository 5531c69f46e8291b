// The bytes of an HTTP/2 header block (RFC 7541, 6), looked through without decoding them.

/// Finds the fields without a name. NIO's decoder takes one for a broken connection; it is a broken request (RFC 9113, 8.2.1).
///
/// A block may go on over several frames and be cut anywhere between them. Bytes that do not make a header block are left to the decoder.
struct HeaderBlock {
    private enum Place {
        case field
        case name
        case value
        /// In a name or a value that has so many bytes more.
        case text(Int, isName: Bool)
        /// In the rest of an integer, which the prefix did not hold.
        case integer(Int, shift: Int, Then)
        case lost
    }

    /// What an integer is followed by: a name or a value has as many bytes as it says.
    private enum Then { case field, value, textOfName, textOfValue }

    /// More than any integer that a decoder accepts.
    private static let longest = 28

    private var place = Place.field

    /// Looks through what the next frame has of the block.
    ///
    /// - Returns: where in it a name has the length 0.
    mutating func emptyNames(in bytes: UnsafeRawBufferPointer) -> [Int] {
        var found: [Int] = []
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            switch place {
            case .field: place = Self.field(byte)
            case .name:
                if byte & 0x7F == 0 { found.append(index) }
                place = Self.length(byte, .textOfName)
            case .value: place = Self.length(byte, .textOfValue)
            case .text(let rest, let isName):
                let count = min(rest, bytes.count - index)
                index += count
                place = Self.text(rest - count, isName)
                continue
            case .integer(let value, let shift, let then):
                guard shift < Self.longest else {
                    place = .lost
                    return found
                }
                let sum = value + Int(byte & 0x7F) << shift
                place = byte & 0x80 == 0 ? Self.after(sum, then) : .integer(sum, shift: shift + 7, then)
            case .lost: return found
            }
            index += 1
        }
        return found
    }

    /// The first byte of a field, or of a change of the table's size.
    private static func field(_ byte: UInt8) -> Place {
        switch byte {
        case 0x80...: prefix(byte, 0x7F, .field) ?? .field
        case 0x40...: byte & 0x3F == 0 ? .name : prefix(byte, 0x3F, .value) ?? .value
        case 0x20...: prefix(byte, 0x1F, .field) ?? .field
        default: byte & 0x0F == 0 ? .name : prefix(byte, 0x0F, .value) ?? .value
        }
    }

    /// nil: the integer ends in its prefix.
    private static func prefix(_ byte: UInt8, _ mask: UInt8, _ then: Then) -> Place? {
        byte & mask == mask ? .integer(Int(mask), shift: 0, then) : nil
    }

    private static func length(_ byte: UInt8, _ then: Then) -> Place {
        prefix(byte, 0x7F, then) ?? after(Int(byte & 0x7F), then)
    }

    private static func after(_ value: Int, _ then: Then) -> Place {
        switch then {
        case .field: .field
        case .value: .value
        case .textOfName: text(value, true)
        case .textOfValue: text(value, false)
        }
    }

    private static func text(_ rest: Int, _ isName: Bool) -> Place {
        rest > 0 ? .text(rest, isName: isName) : isName ? .value : .field
    }
}
