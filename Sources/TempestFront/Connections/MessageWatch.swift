// The messages of a connection of HTTP/1 as they come and go: where in one the connection is, and what the access log needs to know.

import NIOCore
import NIOHTTP1

/// Next to the decoder and the encoder of HTTP/1, on the side of the requests, so that it sees what is refused early too: tells
/// ``HeaderBytesHandler`` what the decoder has read, and shows the ``AccessLedger`` all messages. One handler for both: each costs every
/// message its way through it.
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
    /// nil: requests get no ids and are not logged.
    private var ledger: AccessLedger?

    init(_ policy: AccessPolicy?) { ledger = policy.map { AccessLedger($0) } }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(var head):
            let isTrimmed = head.headers.trimValues()
            if RequestCheck.endsParsing(head) {
                phase = .upgraded
            } else {
                phase = .body(head.headers.first(name: "content-length").flatMap { Int($0) })
            }
            if ledger?.open(&head, context.channel) == true || isTrimmed {
                return context.fireChannelRead(wrapInboundOut(.head(head)))
            }
        case .body(let buffer):
            if case .body(let left?) = phase { phase = .body(max(0, left - buffer.readableBytes)) }
        case .end:
            if case .body = phase { phase = .idle }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            isWritingEscaped = head.headers.contains { HeaderBytes.isEscaped($0.value) }
            let isUpgrade = head.status == .switchingProtocols
            guard head.status.code >= 200 || isUpgrade, ledger != nil else { break }
            let isChanged = ledger?.respond(&head, context.channel) ?? false
            context.write(isChanged ? wrapOutboundOut(.head(head)) : data, promise: promise)
            if isUpgrade {
                ledger?.close(context.channel)
                ledger = nil
            }
            return
        case .body(let body): ledger?.send(body.readableBytes)
        case .end: ledger?.close(context.channel)
        }
        context.write(data, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        ledger?.abort(context.channel)
        context.fireChannelInactive()
    }
}
