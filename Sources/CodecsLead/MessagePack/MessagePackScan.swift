// A walk over all headers before libmsgpack sees the bytes: it reserves memory from claimed lengths (five bytes made it ask for 4 GB), so
// claims, summed over the tree, must first be shown to fit the input.

/// What stands in one header.
struct MessagePackHeader {
    enum Shape { case scalar, array, map }

    var shape: Shape
    /// The byte of the format.
    var format: UInt8
    /// Header and, of a scalar, the bytes that belong to it.
    var size: Int
    /// Elements of an array, members of a map.
    var count = 0
}

struct MessagePackScan {
    private let input: UnsafeRawBufferPointer
    private let limits: Limits

    init(_ input: UnsafeRawBufferPointer, limits: Limits) { (self.input, self.limits) = (input, limits) }

    /// Checks structure, claims, depth and trailing bytes; returns how deep the document is.
    func check() throws(CodecError) -> Int {
        var index = 0
        /// Values still to come in each open container, and over all of them: each takes a byte at least.
        var open: [Int] = []
        var owed = 1
        var deepest = 0
        while owed > 0 {
            let header = try header(at: index)
            owed -= 1
            if !open.isEmpty { open[open.count - 1] -= 1 }
            index += header.size
            if header.shape != .scalar {
                guard open.count < limits.depth else {
                    throw CodecError(.depth, "nested deeper than the limit of \(limits.depth)", at: index - header.size)
                }
                let values = header.shape == .map ? 2 * header.count : header.count
                owed += values
                open.append(values)
                deepest = max(deepest, open.count)
            }
            guard owed <= input.count - index else {
                throw CodecError(
                    .claim, "\(owed) values are announced, but only \(input.count - index) bytes are left", at: index)
            }
            while open.last == 0 { open.removeLast() }
        }
        guard index == input.count else { throw CodecError(.trailing, "there are bytes after the value", at: index) }
        return deepest
    }

    func header(at index: Int) throws(CodecError) -> MessagePackHeader {
        guard index < input.count else { throw CodecError(.claim, "the input ends before its value does", at: index) }
        let format = input[index]
        let left = input.count - index
        func claim(_ width: Int) throws(CodecError) -> Int {
            guard left > width else { throw CodecError(.claim, "a length of \(width) bytes is cut off", at: index) }
            return input[(index + 1)...(index + width)].reduce(0) { $0 << 8 | Int($1) }
        }
        func scalar(_ size: Int) throws(CodecError) -> MessagePackHeader {
            guard size <= left else {
                throw CodecError(.claim, "\(size) bytes are announced, but only \(left) are left", at: index)
            }
            return MessagePackHeader(shape: .scalar, format: format, size: size)
        }
        switch format {
        case 0x00...0x7F, 0xE0...0xFF, 0xC0, 0xC2, 0xC3: return try scalar(1)
        case 0x80...0x8F: return MessagePackHeader(shape: .map, format: format, size: 1, count: Int(format & 15))
        case 0x90...0x9F: return MessagePackHeader(shape: .array, format: format, size: 1, count: Int(format & 15))
        case 0xA0...0xBF: return try scalar(1 + Int(format & 31))
        case 0xC1: throw CodecError(.syntax, "0xC1 is never used in MessagePack", at: index)
        case 0xC4, 0xD9: return try scalar(2 + claim(1))
        case 0xC5, 0xDA: return try scalar(3 + claim(2))
        case 0xC6, 0xDB: return try scalar(5 + claim(4))
        case 0xC7: return try scalar(3 + claim(1))
        case 0xC8: return try scalar(4 + claim(2))
        case 0xC9: return try scalar(6 + claim(4))
        case 0xCC, 0xD0: return try scalar(2)
        case 0xCD, 0xD1: return try scalar(3)
        case 0xCA, 0xCE, 0xD2: return try scalar(5)
        case 0xCB, 0xCF, 0xD3: return try scalar(9)
        case 0xD4: return try scalar(3)
        case 0xD5: return try scalar(4)
        case 0xD6: return try scalar(6)
        case 0xD7: return try scalar(10)
        case 0xD8: return try scalar(18)
        case 0xDC: return MessagePackHeader(shape: .array, format: format, size: 3, count: try claim(2))
        case 0xDD: return MessagePackHeader(shape: .array, format: format, size: 5, count: try claim(4))
        case 0xDE: return MessagePackHeader(shape: .map, format: format, size: 3, count: try claim(2))
        default: return MessagePackHeader(shape: .map, format: format, size: 5, count: try claim(4))
        }
    }
}
