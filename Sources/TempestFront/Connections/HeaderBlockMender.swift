// Keeps a request with a nameless header from ending the connection of all others. It stands between HTTP2Wire and NIO's HTTP/2.

import NIOCore

/// Gives each header that has no name one that no header may have, so that NIO's decoder reads on and the request alone is refused.
///
/// Frames with headers are passed on whole; all else passes as it comes.
final class HeaderBlockMender: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// What NIO lets a frame be; it refuses a larger one.
    private static let largestFrame = 1 << 14

    /// How many bytes pass unseen: of the client's preface, then of a frame's payload.
    private var unseen = 24
    /// The beginning of a frame.
    private var partial = ByteBuffer()
    private var block = HeaderBlock()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        if partial.readableBytes > 0 {
            partial.writeBuffer(&buffer)
            (buffer, partial) = (partial, ByteBuffer())
        }
        var place = buffer.readerIndex
        while place < buffer.writerIndex {
            let rest = buffer.writerIndex - place
            if unseen > 0 {
                let count = min(unseen, rest)
                (unseen, place) = (unseen - count, place + count)
                continue
            }
            guard let header = HTTP2FrameHeader(buffer, at: place) else { break }
            guard header.type == 1 || header.type == 9, header.length <= Self.largestFrame else {
                (unseen, place) = (header.length, place + HTTP2FrameHeader.size)
                continue
            }
            let size = HTTP2FrameHeader.size + header.length
            guard rest >= size, let frame = buffer.getSlice(at: place, length: size) else { break }
            if let mended = mended(frame, header) {
                if place > buffer.readerIndex { pass(&buffer, place - buffer.readerIndex, context) }
                buffer.moveReaderIndex(forwardBy: size)
                context.fireChannelRead(wrapInboundOut(mended))
            }
            place += size
        }
        if place == buffer.writerIndex, buffer.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(buffer))
        } else {
            if place > buffer.readerIndex { pass(&buffer, place - buffer.readerIndex, context) }
            partial = buffer
        }
    }

    private func pass(_ buffer: inout ByteBuffer, _ count: Int, _ context: ChannelHandlerContext) {
        if let part = buffer.readSlice(length: count) { context.fireChannelRead(wrapInboundOut(part)) }
    }

    /// The frame with names where there are none; nil: it has none of these.
    private func mended(_ frame: ByteBuffer, _ header: HTTP2FrameHeader) -> ByteBuffer? {
        if header.type == 1 { block = HeaderBlock() }
        let found = frame.withUnsafeReadableBytes { bytes -> [Int] in
            let content = Self.content(of: bytes, header)
            return block.emptyNames(in: UnsafeRawBufferPointer(rebasing: bytes[content])).map { $0 + content.lowerBound }
        }
        // More than fits is left to the decoder.
        guard !found.isEmpty, header.length + found.count <= Self.largestFrame else { return nil }
        var bytes = Array(frame.readableBytesView)
        for place in found.reversed() { bytes.replaceSubrange(place...place, with: [1, UInt8(ascii: " ")]) }
        let length = header.length + found.count
        for index in 0..<3 { bytes[index] = UInt8(truncatingIfNeeded: length >> (16 - 8 * index)) }
        return ByteBuffer(bytes: bytes)
    }

    /// Where the header block is in a frame: HEADERS may have a priority before it and padding around it.
    private static func content(of frame: UnsafeRawBufferPointer, _ header: HTTP2FrameHeader) -> Range<Int> {
        var (start, end) = (HTTP2FrameHeader.size, frame.count)
        guard header.type == 1 else { return start..<end }
        if header.flags & 0x08 != 0, start < end {
            end -= Int(frame[start])
            start += 1
        }
        if header.flags & 0x20 != 0 { start += 5 }
        return min(start, frame.count)..<min(max(start, end), frame.count)
    }
}
