// Bytes of CBOR to a document, item by item, without recursion.
// Before it: the bytes of a job or answer. After it: the builder that holds their flat form.

import TempestCodecs

/// Reads one CBOR document; hostile bytes end in an error that names the byte.
///
/// Depth, number of values, UTF-8, keys that are twice and floats that are not finite are DocumentBuilder's business. The reader's own is
/// that nothing is believed that a head claims: a claim is compared with the bytes that are left before anything is done about it.
struct CBORReader {
    /// Stands for a number of elements: as many as there are before the break.
    private static let untilBreak = -1

    let bytes: [UInt8]
    var builder: DocumentBuilder
    private var position = 0
    /// The bytes that are spoken for: one for every element that the open containers still claim, and for every break to come.
    private var owed = 1

    init(bytes: [UInt8], builder: DocumentBuilder) {
        self.bytes = bytes
        self.builder = builder
    }

    /// Reads the document, up to the last byte.
    mutating func read() throws(CodecError) {
        if bytes.starts(with: CBORCodec.prefix) { position = CBORCodec.prefix.count }
        guard position < bytes.count else { throw CodecError(.syntax, "cbor: there is no value", at: position) }
        // The elements that the containers around the innermost one still claim.
        var outer: [Int] = []
        var left = 1
        while true {
            if left == 0 {
                guard let next = outer.popLast() else {
                    guard position == bytes.count else {
                        throw CodecError(.trailing, "cbor: bytes after the value", at: position)
                    }
                    return
                }
                try closeContainer(at: position)
                left = next
                continue
            }
            guard position < bytes.count else {
                throw CodecError(.claim, "cbor: the bytes end before the value does", at: position)
            }
            if left == Self.untilBreak {
                if bytes[position] == CBORHead.stop, let next = outer.popLast() {
                    try closeContainer(at: position)
                    position += 1
                    owed -= 1
                    left = next
                    continue
                }
            } else {
                left -= 1
                owed -= 1
            }
            if let elements = try readItem() {
                outer.append(left)
                left = elements
            }
        }
    }

    private mutating func closeContainer(at position: Int) throws(CodecError) {
        if !builder.isInMap { return try builder.endArray(at: position) }
        guard builder.needsKey else { throw CodecError(.syntax, "cbor: the map ends between key and value", at: position) }
        try builder.endMap(at: position)
    }

    /// Reads a scalar or key, or opens a container and says how many elements (keys and values each) it claims.
    private mutating func readItem() throws(CodecError) -> Int? {
        let start = position
        let head = try CBORHead(in: bytes, at: start)
        position += head.size
        if builder.needsKey && head.major != .text { throw CodecError(.text, "cbor: a key must be text", at: start) }
        switch head.major {
        case .unsigned: try builder.uint(head.argument, at: start)
        case .negative:
            guard let int = Int64(exactly: head.argument) else {
                throw CodecError(.number, "cbor: an integer below -2^63", at: start)
            }
            try builder.int(-1 - int, at: start)
        case .bytes, .text: try readString(head, start)
        case .array:
            let elements = try claimed(head, each: 1, start)
            try builder.beginArray(at: start)
            return elements
        case .map:
            let elements = try claimed(head, each: 2, start)
            try builder.beginMap(at: start)
            return elements
        case .tag: throw refusedTag(head.argument, start)
        case .simple: try readSimple(head, start)
        }
        return nil
    }

    /// The bytes that nobody else has a claim to.
    private var free: Int { max(0, bytes.count - position - owed) }

    /// The elements that a container claims, which take a byte at least.
    private mutating func claimed(_ head: CBORHead, each: Int, _ start: Int) throws(CodecError) -> Int {
        if head.isIndefinite {
            guard free > 0 else { throw tooMuch("a break", start) }
            owed += 1
            return Self.untilBreak
        }
        guard head.argument <= UInt64(free / each) else {
            throw tooMuch("\(head.argument) \(each == 1 ? "elements" : "pairs")", start)
        }
        let elements = Int(head.argument) * each
        owed += elements
        return elements
    }

    private mutating func readString(_ head: CBORHead, _ start: Int) throws(CodecError) {
        if head.isIndefinite {
            let joined = try readChunks(of: head.major, start)
            // The standard library's call is typed in its error for buffers of elements only.
            return try joined.withUnsafeBufferPointer { (chars) throws(CodecError) in
                let raw = UnsafeRawBufferPointer(chars)
                if head.major == .bytes {
                    try builder.binary(copying: raw, at: start)
                } else if builder.needsKey {
                    try builder.key(copying: raw, at: start)
                } else {
                    try builder.text(copying: raw, at: start)
                }
            }
        }
        let range = try take(head, start)
        if head.major == .bytes {
            try builder.binary(range, at: start)
        } else if builder.needsKey {
            try builder.key(range, at: start)
        } else {
            try builder.text(range, at: start)
        }
    }

    /// The bytes of a string of known length, and past them.
    private mutating func take(_ head: CBORHead, _ start: Int) throws(CodecError) -> Range<Int> {
        guard head.argument <= UInt64(free) else { throw tooMuch("\(head.argument) bytes", start) }
        let range = position..<position + Int(head.argument)
        position = range.upperBound
        return range
    }

    /// The chunks of a string of indefinite length, joined: strings of the same type and of known length, up to a break.
    private mutating func readChunks(of major: CBORMajor, _ start: Int) throws(CodecError) -> [UInt8] {
        guard free > 0 else { throw tooMuch("a break", start) }
        owed += 1
        var joined: [UInt8] = []
        while position < bytes.count {
            let chunk = position
            if bytes[chunk] == CBORHead.stop {
                position += 1
                owed -= 1
                return joined
            }
            let head = try CBORHead(in: bytes, at: chunk)
            position += head.size
            guard head.major == major, !head.isIndefinite else {
                throw CodecError(.syntax, "cbor: a chunk must be a string of the same type and of known length", at: chunk)
            }
            let range = try take(head, chunk)
            // Every chunk must be UTF-8 by itself: the builder checks the whole, and here that none is cut within a character.
            if major == .text, let first = bytes[range].first, first & 0xC0 == 0x80 {
                throw CodecError(.text, "cbor: a chunk that begins within a character", at: chunk)
            }
            joined.append(contentsOf: bytes[range])
        }
        throw CodecError(.claim, "cbor: the bytes end before the string does", at: position)
    }

    private mutating func readSimple(_ head: CBORHead, _ start: Int) throws(CodecError) {
        switch head.info {
        case 20: try builder.bool(false, at: start)
        case 21: try builder.bool(true, at: start)
        case 22: try builder.null(at: start)
        case 23: throw CodecError(.unencodable, "cbor: undefined is no value here, null is", at: start)
        case 25: try builder.double(HalfFloat.value(UInt16(truncatingIfNeeded: head.argument)), at: start)
        case 26: try builder.double(Double(Float(bitPattern: UInt32(truncatingIfNeeded: head.argument))), at: start)
        case 27: try builder.double(Double(bitPattern: head.argument), at: start)
        case CBORHead.indefinite: throw CodecError(.syntax, "cbor: a break where nothing of indefinite length is open", at: start)
        case 24 where head.argument < 32:
            throw CodecError(.syntax, "cbor: the simple value \(head.argument) in two bytes", at: start)
        default: throw CodecError(.unencodable, "cbor: the simple value \(head.argument) means nothing here", at: start)
        }
    }

    /// No tag is dropped silently: what it says about its item would be lost, and no other codec could carry it.
    private func refusedTag(_ number: UInt64, _ start: Int) -> CodecError {
        switch number {
        case 2, 3: CodecError(.number, "cbor: a bignum (tag \(number)): integers are -2^63 to 2^64-1", at: start)
        case 55799:
            CodecError(.syntax, "cbor: the self-describing tag belongs at the beginning, once, as D9 D9 F7", at: start)
        default: CodecError(.unencodable, "cbor: tag \(number) means nothing here, send the plain value", at: start)
        }
    }

    private func tooMuch(_ claim: String, _ start: Int) -> CodecError {
        CodecError(.claim, "cbor: \(claim) claimed but only \(free) bytes are left for it", at: start)
    }
}
