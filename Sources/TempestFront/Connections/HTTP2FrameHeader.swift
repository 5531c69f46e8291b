// The nine bytes in front of every HTTP/2 frame (RFC 9113, 4.1).

import NIOCore

struct HTTP2FrameHeader {
    /// Bytes.
    static let size = 9

    /// Bytes of the payload.
    let length: Int
    let type: UInt8
    let flags: UInt8
    let stream: Int

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
}
