// Where a connection of HTTP/1 is: in a head or in a body.

import NIOCore
import NIOHTTP1

/// Next to the decoder and the encoder of HTTP/1, on the side of the requests: tells ``HeaderBytesHandler`` what the decoder has read.
final class MessageWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    enum Phase {
        /// A head comes next, or the rest of one.
        case idle
        /// So many bytes of a body are left; nil: it is chunked.
        case body(Int?)
        /// What follows is not HTTP.
        case upgraded
    }

    private(set) var phase = Phase.idle
    /// The head that is written next has values that are escaped (``HeaderBytes``).
    var isWritingEscaped = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            if RequestCheck.endsParsing(head) {
                phase = .upgraded
            } else {
                phase = .body(head.headers.first(name: "content-length").flatMap { Int($0) })
            }
        case .body(let buffer):
            if case .body(let left?) = phase { phase = .body(max(0, left - buffer.readableBytes)) }
        case .end:
            if case .body = phase { phase = .idle }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .head(let head) = unwrapOutboundIn(data) {
            isWritingEscaped = head.headers.contains { HeaderBytes.isEscaped($0.value) }
        }
        context.write(data, promise: promise)
    }
}
