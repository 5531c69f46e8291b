// The nine bytes in front of every HTTP/2 frame (RFC 9113, 4.1).

import NIOCore

struct HTTP2FrameHeader {
    /// Bytes.
    static let size = 9
    /// What every client and server takes: bytes of a payload (RFC 9113, 4.2).
    static let smallestLimit = 1 << 14
    /// The most that a payload can be.
    static let largestLimit = 1 << 24 - 1

    /// The types that the front looks at (RFC 9113, 6).
    enum Kind {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let priority: UInt8 = 2
        static let settings: UInt8 = 4
        static let goAway: UInt8 = 7
        static let continuation: UInt8 = 9
    }

    /// The settings that the front looks at (RFC 9113, 6.5.2).
    enum Setting {
        static let tableSize: UInt16 = 1
        static let concurrentStreams: UInt16 = 3
        static let frameSize: UInt16 = 5
        /// Those that mean something to NIO.
        static let known: ClosedRange<UInt16> = 1...8
    }

    enum Flags {
        static let endStream: UInt8 = 0x01
        static let acknowledgement: UInt8 = 0x01
        static let endHeaders: UInt8 = 0x04
        static let padded: UInt8 = 0x08
        static let priority: UInt8 = 0x20
    }

    /// Bytes of the payload.
    var length: Int
    var type: UInt8
    var flags: UInt8
    var stream: Int

    init(type: UInt8, flags: UInt8, stream: Int, length: Int) {
        (self.type, self.flags, self.stream, self.length) = (type, flags, stream, length)
    }

    /// - Parameter place: where it begins; nil: what can be read next. Returns nil when the buffer has not all of it.
    init?(_ buffer: ByteBuffer, at place: Int? = nil) {
        let place = place ?? buffer.readerIndex
        guard let word = buffer.getInteger(at: place, as: UInt32.self),
            let flags = buffer.getInteger(at: place + 4, as: UInt8.self),
            let stream = buffer.getInteger(at: place + 5, as: UInt32.self)
        else { return nil }
        (length, type, self.flags) = (Int(word >> 8), UInt8(truncatingIfNeeded: word), flags)
        self.stream = Int(stream & 0x7FFF_FFFF)
    }

    func has(_ flag: UInt8) -> Bool { flags & flag != 0 }

    func write(to buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt32(length) << 8 | UInt32(type))
        buffer.writeInteger(flags)
        buffer.writeInteger(UInt32(stream))
    }

    /// Writes a header block as HEADERS and as many CONTINUATION as it needs.
    ///
    /// - Parameters:
    ///   - payload: the block, with a priority before it if the flags say so.
    ///   - isWhole: whether the block ends with it.
    ///   - limit: bytes of a payload.
    static func write(
        _ payload: ByteBuffer, of headers: HTTP2FrameHeader, isWhole: Bool, limit: Int, to buffer: inout ByteBuffer
    ) {
        var rest = payload
        var header = headers
        header.flags &= ~Flags.endHeaders
        repeat {
            header.length = min(limit, rest.readableBytes)
            if isWhole, header.length == rest.readableBytes { header.flags |= Flags.endHeaders }
            header.write(to: &buffer)
            if var part = rest.readSlice(length: header.length) { buffer.writeBuffer(&part) }
            (header.type, header.flags) = (Kind.continuation, 0)
        } while rest.readableBytes > 0
    }
}
