// What NIO's HTTP/2 sends, as a client is to see it. Used by HTTP2Wire, which applies what is decided here.

import NIOCore
import NIOHTTP2

/// NIO believes that the client takes frames of any size (``HTTP2Intake``): here they are cut to the size that it does take, header blocks
/// with CONTINUATION, which NIO does not write.
struct HTTP2Outlet {
    /// What the front does with the bytes of a write.
    enum Step {
        case pass
        /// They go out with the next bytes.
        case hold
        case instead([ByteBuffer])
        /// The connection is over after these.
        case last(ByteBuffer)
    }

    /// The streams that a client may have at once. Of more than these, the front refuses each by itself; NIO would end the connection.
    static let concurrentStreams = 100

    /// Bytes of a payload that the client takes.
    var frameSize = HTTP2FrameHeader.smallestLimit
    /// How many bytes of a frame's payload are to be written.
    private var payload = 0
    /// Of a frame whose payload is cut.
    private var held: HTTP2FrameHeader?
    private var hasSettings = false

    /// - Parameters:
    ///   - lastStream: the client's newest stream.
    ///   - sends: is told of each frame with a body before it goes out.
    mutating func write(_ buffer: ByteBuffer, lastStream: Int, sends: (HTTP2FrameHeader) -> Void) -> Step {
        if payload > 0 {
            payload -= buffer.readableBytes
            guard let held else { return .pass }
            let isLast = payload <= 0
            if isLast { self.held = nil }
            return .instead(cut(buffer, held, isLast: isLast))
        }
        // NIO begins each frame with a write, and writes a body after its frame's header.
        guard let header = HTTP2FrameHeader(buffer) else { return .pass }
        payload = HTTP2FrameHeader.size + header.length - buffer.readableBytes
        switch header.type {
        case HTTP2FrameHeader.Kind.data:
            sends(header)
            guard header.length > frameSize else { return .pass }
            held = header
            return .hold
        case HTTP2FrameHeader.Kind.headers where header.length > frameSize:
            var content = buffer
            content.moveReaderIndex(forwardBy: HTTP2FrameHeader.size)
            var frames = ByteBuffer()
            HTTP2FrameHeader.write(content, of: header, isWhole: true, limit: frameSize, to: &frames)
            return .instead([frames])
        case HTTP2FrameHeader.Kind.settings where !hasSettings:
            hasSettings = true
            return .instead([limited(buffer)])
        case HTTP2FrameHeader.Kind.goAway: return goAway(buffer, lastStream)
        default: return .pass
        }
    }

    /// A body in frames that the client takes.
    private func cut(_ body: ByteBuffer, _ whole: HTTP2FrameHeader, isLast: Bool) -> [ByteBuffer] {
        var (rest, header) = (body, whole)
        header.flags = 0
        var pieces: [ByteBuffer] = []
        while rest.readableBytes > 0 {
            header.length = min(frameSize, rest.readableBytes)
            if isLast, header.length == rest.readableBytes { header.flags = whole.flags }
            var head = ByteBuffer()
            header.write(to: &head)
            pieces.append(head)
            if let part = rest.readSlice(length: header.length) { pieces.append(part) }
        }
        return pieces
    }

    /// The server's first settings with the number of streams that a client may have.
    private func limited(_ settings: ByteBuffer) -> ByteBuffer {
        var settings = settings
        var place = settings.readerIndex + HTTP2FrameHeader.size
        while let name = settings.getInteger(at: place, as: UInt16.self) {
            if name == HTTP2FrameHeader.Setting.concurrentStreams {
                settings.setInteger(UInt32(Self.concurrentStreams), at: place + 2)
            }
            place += 6
        }
        return settings
    }

    /// A frame by which the front says goodbye.
    static func goAway(_ lastStream: Int, _ code: HTTP2ErrorCode) -> ByteBuffer {
        var frame = ByteBuffer()
        HTTP2FrameHeader(type: HTTP2FrameHeader.Kind.goAway, flags: 0, stream: 0, length: 8).write(to: &frame)
        frame.writeMultipleIntegers(UInt32(lastStream), UInt32(code.networkCode))
        return frame
    }

    /// NIO names no stream, or all that there could be: a client would ask again for what has been begun, or believe that it may not.
    private func goAway(_ buffer: ByteBuffer, _ lastStream: Int) -> Step {
        let place = buffer.readerIndex + HTTP2FrameHeader.size
        guard buffer.getInteger(at: place + 4, as: UInt32.self) ?? 0 != 0 else { return .pass }
        var frame = buffer
        frame.setInteger(UInt32(lastStream), at: place)
        return .last(frame)
    }
}
