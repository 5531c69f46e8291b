// Keeps a request with a nameless header from ending the connection of all others. Before it: HTTP2Wire. After it: NIO's HTTP/2.

import NIOCore

/// Gives each header that has no name one that no header may have, so that NIO's decoder reads on and the request alone is refused.
///
/// Frames with headers are passed on whole; all else passes as it comes.
final class HeaderBlockMender: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private static let frameHeader = 9
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
            guard rest >= Self.frameHeader, let word = buffer.getInteger(at: place, as: UInt32.self) else { break }
            let (length, type) = (Int(word >> 8), UInt8(truncatingIfNeeded: word))
            guard type == 1 || type == 9, length <= Self.largestFrame else {
                (unseen, place) = (length, place + Self.frameHeader)
                continue
            }
            guard rest >= Self.frameHeader + length else { break }
            if let mended = mended(buffer.getSlice(at: place, length: Self.frameHeader + length), isFirst: type == 1) {
                if place > buffer.readerIndex { pass(&buffer, place - buffer.readerIndex, context) }
                buffer.moveReaderIndex(forwardBy: Self.frameHeader + length)
                context.fireChannelRead(wrapInboundOut(mended))
            }
            place += Self.frameHeader + length
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
    private func mended(_ frame: ByteBuffer?, isFirst: Bool) -> ByteBuffer? {
        guard let frame else { return nil }
        let found = frame.withUnsafeReadableBytes { bytes -> [Int] in
            let content = Self.content(of: bytes, isFirst)
            if isFirst { block = HeaderBlock() }
            return block.emptyNames(in: UnsafeRawBufferPointer(rebasing: bytes[content])).map { $0 + content.lowerBound }
        }
        // More than fits is left to the decoder.
        guard !found.isEmpty, frame.readableBytes - Self.frameHeader + found.count <= Self.largestFrame else { return nil }
        var bytes = Array(frame.readableBytesView)
        for place in found.reversed() { bytes.replaceSubrange(place...place, with: [1, UInt8(ascii: " ")]) }
        let length = bytes.count - Self.frameHeader
        for index in 0..<3 { bytes[index] = UInt8(truncatingIfNeeded: length >> (16 - 8 * index)) }
        return ByteBuffer(bytes: bytes)
    }

    /// Where the header block is in a frame: HEADERS may have a priority before it and padding around it.
    private static func content(of frame: UnsafeRawBufferPointer, _ isFirst: Bool) -> Range<Int> {
        var (start, end) = (frameHeader, frame.count)
        guard isFirst else { return start..<end }
        let flags = frame[4]
        if flags & 0x08 != 0, start < end {
            end -= Int(frame[start])
            start += 1
        }
        if flags & 0x20 != 0 { start += 5 }
        return min(start, frame.count)..<min(max(start, end), frame.count)
    }
}
