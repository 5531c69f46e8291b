// Counts the bytes of a connection, next to its socket. Before it: the socket. After it: TLS or the HTTP decoder; RequestGate,
// StallWatch and SocketHandler ask it.

import NIOCore

/// How many bytes came and went, and when the first of a request did.
final class ByteWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private(set) var received = 0
    /// Handed to the socket, which may not have written them yet.
    private(set) var sent = 0
    /// When the first byte came since somebody has set this to nil.
    var firstByteAt: NIODeadline?
    /// Nothing that comes is wanted any more.
    var isDiscarding = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytes
        if firstByteAt == nil { firstByteAt = context.eventLoop.now }
        if !isDiscarding { context.fireChannelRead(data) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        sent += unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
    }

    /// How many bytes the socket has not taken yet.
    static func waiting(_ channel: any Channel) -> Int {
        (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }
}

/// Whether a client takes what is written for it.
struct WriteProgress {
    private var taken = -1
    private var since: NIODeadline

    init(_ now: NIODeadline) { since = now }

    /// For how long nothing was taken although `waiting` bytes wait.
    mutating func stalled(waiting: Int, sent: Int, _ now: NIODeadline) -> TimeAmount {
        if waiting == 0 || sent - waiting != taken { (taken, since) = (sent - waiting, now) }
        return now - since
    }
}
