// Carries out what ConnectionLogic says: bytes in and out of the channel, promises, one timer.
// Sits last in the channel's pipeline; RedisConnection is what others hold of it.

import NIOCore
import NIOPosix

/// The handler of one connection. All of it runs on the connection's event loop.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    typealias Logic = ConnectionLogic<EventLoopPromise<RedisReply>>

    /// Commands that are larger go to the channel as they are; smaller ones are gathered in one buffer.
    private static let gatherLimit = 16 * 1024

    private let place: RedisPlace
    private var logic: Logic
    private var parser: ReplyParser
    private var context: ChannelHandlerContext?
    private var gathered = ByteBuffer()
    private var flushIsDue = false
    private var timer: Scheduled<Void>?
    private var timerDeadline: NIODeadline?
    /// Where the messages of a subscription go. Returns an error when they cannot go there any more.
    private var onMessage: ((RedisMessage) -> RedisError?)?
    private var onClose: ((RedisError) -> Void)?

    init(_ place: RedisPlace, replyLimit: Int = 512 * 1024 * 1024) throws(RedisError) {
        self.place = place
        self.logic = Logic(place)
        self.parser = try ReplyParser(limit: replyLimit)
    }

    // MARK: Sending

    func send(_ bytes: ByteBuffer, name: String, timeout: TimeAmount, promise: EventLoopPromise<RedisReply>) {
        self.write(bytes, self.logic.enqueue(promise, name: name, now: .now(), timeout: timeout))
    }

    func subscribe(
        _ bytes: ByteBuffer, confirmations: Int, timeout: TimeAmount, promise: EventLoopPromise<RedisReply>,
        onMessage: @escaping (RedisMessage) -> RedisError?, onClose: @escaping (RedisError) -> Void
    ) {
        self.onMessage = onMessage
        self.onClose = onClose
        self.write(
            bytes, self.logic.enqueueSubscription(promise, confirmations: confirmations, now: .now(), timeout: timeout))
    }

    /// Says where messages go, before the first subscription is made.
    func receive(_ onMessage: @escaping (RedisMessage) -> RedisError?) { self.onMessage = onMessage }

    /// Adds a channel to the subscription, or takes one from it.
    func change(_ bytes: ByteBuffer, name: String, timeout: TimeAmount, promise: EventLoopPromise<RedisReply>) {
        self.write(
            bytes,
            self.logic.enqueueSubscription(promise, name: name, confirmations: 1, now: .now(), timeout: timeout))
    }

    private func write(_ bytes: ByteBuffer, _ admission: Logic.Admission) {
        switch admission {
        case .refuse(let promise, let error):
            promise.fail(error)
        case .write:
            guard let context = self.context else { return self.close(self.lost("it had not been opened")) }
            if bytes.readableBytes > Self.gatherLimit {
                self.passGathered(context)
                context.write(self.wrapOutboundOut(bytes), promise: nil)
            } else {
                self.gathered.writeImmutableBuffer(bytes)
            }
            self.armTimer(context.eventLoop)
            guard !self.flushIsDue else { return }
            self.flushIsDue = true
            // Everything that is sent in this turn of the loop goes out in one write.
            context.eventLoop.assumeIsolated().execute { self.flush() }
        }
    }

    private func passGathered(_ context: ChannelHandlerContext) {
        guard self.gathered.readableBytes > 0 else { return }
        context.write(self.wrapOutboundOut(self.gathered), promise: nil)
        self.gathered = ByteBuffer()
    }

    private func flush() {
        self.flushIsDue = false
        guard let context = self.context else { return }
        self.passGathered(context)
        context.flush()
    }

    // MARK: Receiving

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.ended(self.lost("it was taken apart"))
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = self.unwrapInboundIn(data)
        do {
            try buffer.withUnsafeReadableBytes { try self.parser.feed($0) }
            while self.context != nil, let reply = try self.parser.next() { self.deliver(reply) }
        } catch let error as RedisError {
            self.close(error)
        } catch {
            self.close(RedisError(.protocolError, "\(error)"))
        }
    }

    private func deliver(_ reply: RedisReply) {
        switch self.logic.received(reply) {
        case .succeed(let promise, let reply): promise.succeed(reply)
        case .fail(let promise, let error): promise.fail(error)
        case .message(let message):
            if let error = self.onMessage?(message) { self.close(error) }
        case .close(let error): self.close(error)
        case .nothing: break
        }
        if let context = self.context { self.armTimer(context.eventLoop) }
    }

    // MARK: Deadlines

    /// One timer for the connection: it is set anew only when a deadline comes to stand before it.
    private func armTimer(_ eventLoop: any EventLoop) {
        guard let deadline = self.logic.nextDeadline else { return }
        if let timerDeadline = self.timerDeadline, timerDeadline <= deadline { return }
        self.timer?.cancel()
        self.timerDeadline = deadline
        self.timer = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.timerFired() }
    }

    private func timerFired() {
        self.timer = nil
        self.timerDeadline = nil
        switch self.logic.expire(now: .now()) {
        case .nothing:
            if let context = self.context { self.armTimer(context.eventLoop) }
        case .close(let promise, let error):
            self.close(self.lost("it was closed because an earlier command got no answer in time"), expired: (promise, error))
        }
    }

    // MARK: Ending

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.close(TransportFailure.error(error, at: self.place))
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.ended(self.lost("the server closed it"))
        context.fireChannelInactive()
    }

    /// Tells everybody, then closes the channel. The first reason that is given is the one that everybody hears.
    func close(_ error: RedisError, expired: (EventLoopPromise<RedisReply>, RedisError)? = nil) {
        self.ended(error, expired: expired)
        self.context?.close(promise: nil)
    }

    private func ended(_ error: RedisError, expired: (EventLoopPromise<RedisReply>, RedisError)? = nil) {
        self.timer?.cancel()
        self.timer = nil
        self.timerDeadline = nil
        let onClose = self.onClose
        self.onClose = nil
        self.onMessage = nil
        // The state is closed before anybody hears of it: whoever reacts by closing or sending again comes too late to matter.
        let waiting = self.logic.close(error)
        if let (promise, error) = expired { promise.fail(error) }
        for (promise, error) in waiting { promise.fail(error) }
        onClose?(error)
    }

    private func lost(_ how: String, file: String = #fileID, line: Int = #line) -> RedisError {
        RedisError(.connectionLost, "the connection to \(self.place.address) was lost: \(how)", file: file, line: line)
    }
}
