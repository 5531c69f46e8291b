// Remembers how the bytes of a connection end: a WebSocket's handshake must be the last that its client sends before it is answered.

import NIOCore

/// Stands before NIO's decoder, which drops what follows a handshake in the same read.
final class RequestTail: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var last: UInt32 = 0

    /// Whether the last bytes were the empty line that ends a request's head, or a chunked body.
    var endsWithEmptyLine: Bool { last == 0x0D0A_0D0A }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        for byte in bytes.readableBytesView.suffix(4) { last = last << 8 | UInt32(byte) }
        context.fireChannelRead(data)
    }
}
