// Keeps header values that are not UTF-8 over HTTP/1: NIO's decoder would replace their bytes, and its encoder writes nothing but UTF-8.

import NIOCore

/// Next to the decoder and the encoder of HTTP/1, on the side of the socket: header values that come in are escaped, those that go out
/// become bytes again (``HeaderBytes``). ``MessageWatch``, on the other side, knows where a head begins.
///
/// Bytes of ASCII alone go through as they are, and so does every body.
final class HeaderBytesHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private static let headEnd: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A]

    private let watch: MessageWatch
    private let limit: Int
    /// The beginning of a header line that has a byte beyond ASCII, and whose end has not come.
    private var line = ByteBuffer()
    /// How many bytes of the end of a head, or of a chunked body, were the last that came.
    private var matched = 0
    /// The last four bytes that came.
    private var last: UInt32 = 0
    private var isFeeding = false
    private var waiting = ByteBuffer()

    /// - Parameter limit: how long a head may be, in bytes; a longer one goes to the decoder, which refuses it.
    init(watch: MessageWatch, limit: Int) { (self.watch, self.limit) = (watch, limit) }

    /// Whether the last bytes that came were the empty line that ends a request's head, or a chunked body. NIO's decoder drops what follows
    /// a handshake in the same read.
    var endsWithEmptyLine: Bool { last == 0x0D0A_0D0A }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        if let end = buffer.getInteger(at: buffer.writerIndex - 4, as: UInt32.self) {
            last = end
        } else {
            for byte in buffer.readableBytesView { last = last << 8 | UInt32(byte) }
        }
        guard !isFeeding else {
            waiting.writeBuffer(&buffer)
            return
        }
        isFeeding = true
        defer { isFeeding = false }
        feed(buffer, context)
        while waiting.readableBytes > 0 {
            let more = waiting
            waiting = ByteBuffer()
            feed(more, context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        release(context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { line.clear() }

    private func feed(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) {
        var rest = buffer
        if line.readableBytes > 0 {
            let isEnded = rest.readableBytesView.contains(0x0A)
            line.writeBuffer(&rest)
            // Not looked through again for each byte that comes.
            guard isEnded || line.readableBytes > limit else { return }
            rest = line
            line = ByteBuffer()
        } else if Self.isASCII(rest) {
            note(rest)
            context.fireChannelRead(wrapInboundOut(rest))
            return
        }
        while rest.readableBytes > 0, context.channel.isActive {
            switch watch.phase {
            case .idle:
                let (length, isWhole) = endOfHead(rest)
                guard var head = rest.readSlice(length: length) else { return }
                if !isWhole { keepLine(of: &head) }
                if head.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(Self.escape(head))) }
            case .body(let left?):
                guard let body = rest.readSlice(length: min(left, rest.readableBytes)) else { return }
                matched = 0
                context.fireChannelRead(wrapInboundOut(body))
            case .body(nil):
                // A chunked body ends with an empty line, as a head does.
                let (length, _) = endOfHead(rest)
                guard let body = rest.readSlice(length: length) else { return }
                context.fireChannelRead(wrapInboundOut(body))
            case .upgraded:
                context.fireChannelRead(wrapInboundOut(rest))
                return
            }
        }
    }

    private func release(_ context: ChannelHandlerContext) {
        guard line.readableBytes > 0 else { return }
        let last = line
        line = ByteBuffer()
        context.fireChannelRead(wrapInboundOut(last))
    }

    /// How much stands before the end of the head, with it; else all.
    private func endOfHead(_ buffer: ByteBuffer) -> (length: Int, isWhole: Bool) {
        buffer.withUnsafeReadableBytes { bytes in
            for (place, byte) in bytes.enumerated() {
                matched = byte == Self.headEnd[matched] ? matched + 1 : byte == Self.headEnd[0] ? 1 : 0
                if matched == Self.headEnd.count {
                    matched = 0
                    return (place + 1, true)
                }
            }
            return (bytes.count, false)
        }
    }

    /// Remembers how a buffer ended that went through as a whole.
    private func note(_ buffer: ByteBuffer) {
        for byte in buffer.readableBytesView.suffix(3) {
            matched = byte == Self.headEnd[matched] ? matched + 1 : byte == Self.headEnd[0] ? 1 : 0
            if matched == Self.headEnd.count { matched = 0 }
        }
    }

    /// Takes the last line, which is not whole, out of a head if bytes beyond ASCII are in it.
    private func keepLine(of head: inout ByteBuffer) {
        let view = head.readableBytesView
        let start = view.lastIndex(of: 0x0A).map { $0 + 1 } ?? view.startIndex
        guard view.endIndex - start <= limit, view[start...].contains(where: { $0 >= 0x80 }) else { return }
        line = head.getSlice(at: start, length: view.endIndex - start) ?? ByteBuffer()
        head.moveWriterIndex(to: start)
        // They come again, with the rest of the line.
        matched = 0
    }

    /// The lines of a head, or of a part of one, with values that are UTF-8.
    private static func escape(_ head: ByteBuffer) -> ByteBuffer {
        guard !isASCII(head) else { return head }
        var result = ByteBuffer()
        result.reserveCapacity(head.readableBytes * 2)
        for line in head.readableBytesView.split(separator: 0x0A, omittingEmptySubsequences: false) {
            if result.readableBytes > 0 || line.startIndex > head.readerIndex { result.writeInteger(UInt8(0x0A)) }
            if HeaderBytes.needsEscape(line) {
                result.writeBytes(HeaderBytes.escaped(line))
            } else {
                result.writeBytes(line)
            }
        }
        return result
    }

    private static func isASCII(_ buffer: ByteBuffer) -> Bool {
        buffer.withUnsafeReadableBytes { bytes in
            var seen: UInt64 = 0
            var place = 0
            while place + 8 <= bytes.count {
                seen |= bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                place += 8
            }
            while place < bytes.count {
                seen |= UInt64(bytes[place])
                place += 1
            }
            return seen & 0x8080_8080_8080_8080 == 0
        }
    }

    // MARK: Responses

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard watch.isWritingEscaped, case .byteBuffer(let head) = unwrapOutboundIn(data) else {
            return context.write(data, promise: promise)
        }
        watch.isWritingEscaped = false
        let bytes = HeaderBytes.unescaped(head.readableBytesView)
        context.write(wrapOutboundOut(.byteBuffer(ByteBuffer(bytes: bytes))), promise: promise)
    }
}
