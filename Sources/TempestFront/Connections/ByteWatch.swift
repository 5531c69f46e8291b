// Counts the bytes of a connection, next to its socket, and cuts it below TLS. Before it: the socket. After it: TLS or the HTTP decoder;
// RequestGate, SecureGate and SocketHandler ask it.

import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// How many bytes came and went, when the first of a request did, and how many wait.
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
    /// Whether what came then begins as a request does: a method and a space.
    private(set) var beginsWithMethod = true
    /// Nothing that comes is wanted any more.
    var isDiscarding = false
    private(set) var account: ConnectionAccount?
    /// What of this connection's account waits in the socket's own buffer.
    private var counted = 0
    private var context: ChannelHandlerContext?

    /// Puts the connection into a registry.
    func register(_ channel: any Channel, in registry: ConnectionRegistry) {
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        account = registry.add(channel) {
            // Later: it may be the writes of this very connection that are too much.
            channel.eventLoop.execute { bound.value.cut() }
        }
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        received += buffer.readableBytes
        if firstByteAt == nil { (firstByteAt, beginsWithMethod) = (context.eventLoop.now, RequestCheck.beginsWithMethod(buffer)) }
        if !isDiscarding { context.fireChannelRead(data) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        sent += unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
        // Only what is much is counted at once: a client that takes its responses costs nothing here.
        if !context.channel.isWritable { count(context.channel) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        count(context.channel)
        context.fireChannelWritabilityChanged()
    }

    /// Brings the account up to date; returns how many bytes the socket has not taken yet.
    @discardableResult func count(_ channel: any Channel) -> Int {
        let waiting = Self.waiting(channel)
        if waiting != counted {
            account?.add(waiting - counted)
            counted = waiting
        }
        return waiting
    }

    /// How many bytes the socket has not taken yet.
    static func waiting(_ channel: any Channel) -> Int {
        (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// How many of the bytes that were sent the client's machine has not confirmed; the kernel's buffers are large, and would let a client
    /// that takes little look like one that takes nothing.
    func unconfirmed(_ channel: any Channel) -> Int {
        let inKernel = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            socket in
            var bytes: CInt = 0
            return ioctl(socket, UInt(TIOCOUTQ), &bytes) == 0 ? Int(bytes) : 0
        }
        return Self.waiting(channel) + (inKernel ?? 0)
    }

    /// Ends the connection at once, with a reset: whoever reads it learns that something is missing, and nothing of it stays in the kernel.
    func cut() {
        guard let context else { return }
        _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        context.close(promise: nil)
    }
}
