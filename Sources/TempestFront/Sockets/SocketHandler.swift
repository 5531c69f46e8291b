// A WebSocket in its channel: frames in both directions, pings, and the end. Before it: the socket, or TLS. After it: SocketDialogue;
// Hummingbird's handlers, which stay behind it, hear only that the channel has closed.

import Logging
import NIOCore
import NIOHTTP1
import NIOWebSocket

final class SocketHandler: ChannelDuplexHandler, RemovableChannelHandler, ClockMember {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        /// Workers have not answered `open`; next: open, or over.
        case opening(EventLoopPromise<UpgradeDecision>)
        case open
        /// A close frame has been sent; until then the browser's is waited for.
        case closing(until: NIODeadline)
        /// The output is closed, and what comes is dropped; until then the browser may close too.
        case ending(until: NIODeadline)
        case over
    }

    private let limits: SocketLimits
    private let dialogue: SocketDialogue
    private let accepted: HTTPHeaders
    private var subprotocols: Subprotocols
    private let logger: Logger
    private let loop: any EventLoop
    private var phase: Phase
    private var early: [SocketFrame] = []
    /// Whether the channel is this handler's alone; until then frames are kept.
    private var hasBegun = false
    private var reader: SocketReader
    private var context: ChannelHandlerContext?
    private var bytes: ByteWatch?
    private var clock: ConnectionClock?
    private var progress: WriteProgress
    /// Bytes of each message that has not been answered, the oldest first.
    private var waiting = CircularBuffer<Int>()
    /// What of the browser's is held here, and counted in the connection's account.
    private var counted = 0
    private var holdsRead = false
    private var isPumping = false
    private var pingAt: NIODeadline
    /// The ping that waits for its pong: when it was sent, and how many bytes had come by then.
    private var pending: (since: NIODeadline, received: Int)?
    private var hasEnded = false

    init(
        limits: SocketLimits, dialogue: SocketDialogue, accepted: HTTPHeaders, subprotocols: Subprotocols,
        opening: EventLoopPromise<UpgradeDecision>, loop: any EventLoop, logger: Logger
    ) {
        self.subprotocols = subprotocols
        (self.limits, self.dialogue, self.accepted, self.loop, self.logger) = (limits, dialogue, accepted, loop, logger)
        phase = .opening(opening)
        reader = SocketReader(limits: limits)
        pingAt = loop.now + limits.ping
        progress = WriteProgress(loop.now, span: limits.writeStall, rate: limits.writeRate)
    }

    // MARK: Opening

    func openTimedOut() {
        guard case .opening(let promise) = phase else { return }
        phase = .over
        logger.warning("workers have not answered a socket's opening", metadata: ["limit": "\(limits.open)"])
        end(.broken, "")
        promise.succeed(.refused(.gatewayTimeout))
    }

    func closedWhileOpening() {
        guard case .opening(let promise) = phase else { return }
        phase = .over
        end(.broken, "")
        promise.fail(ChannelError.ioOnClosedChannel)
    }

    private func opened(_ promise: EventLoopPromise<UpgradeDecision>) {
        phase = .open
        var headers = accepted
        if let chosen = subprotocols.chosen { headers.add(name: "Sec-WebSocket-Protocol", value: chosen) }
        if subprotocols.isUnmet {
            logger.info(
                """
                a page offers subprotocols and none was chosen, which browsers take for a failure: set the route's `protocols`, or have \
                the worker choose one in its answer to `open`
                """, metadata: ["offered": "\(subprotocols.list)"])
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        promise.succeed(
            UpgradeDecision(status: .switchingProtocols, headers: headers) { bytes, clock in
                let handler = bound.value
                (handler.bytes, handler.clock) = (bytes, clock)
                return handler
            })
        // Whoever has gone between the answer and this never was in the channel.
        loop.execute { if bound.value.context == nil { bound.value.end(.broken, "") } }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        pingAt = loop.now + limits.ping
        clock?.add(self)
        let bound = NIOLoopBound(self, eventLoop: loop)
        // Later: the handlers of HTTP before this one are about to leave.
        loop.execute { bound.value.begin() }
    }

    private func begin() {
        hasBegun = true
        let frames = early
        early = []
        send(frames)
        context?.read()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        clock?.remove(self)
        self.context = nil
    }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch phase {
        case .ending, .over: return
        default: reader.add(unwrapInboundIn(data))
        }
        pump(context)
    }

    func read(context: ChannelHandlerContext) {
        // A browser that says more than is answered is not heard for a while.
        if isFull { holdsRead = true } else { context.read() }
    }

    private var isFull: Bool { if case .open = phase { waiting.count >= limits.waitingMessages } else { false } }

    private var isHearing: Bool {
        switch phase {
        case .opening, .open, .closing: true
        case .ending, .over: false
        }
    }

    /// Handles what has come, as far as there is room for it.
    private func pump(_ context: ChannelHandlerContext) {
        // Answers may come while messages are sent.
        guard !isPumping else { return }
        isPumping = true
        defer {
            isPumping = false
            count()
        }
        do throws(SocketProblem) {
            while isHearing, !isFull, let event = try reader.next() { handle(event, context) }
        } catch {
            // What follows cannot be understood, the browser's close neither (RFC 6455, 7.1.7).
            close(error.code, error.reason)
            finish(context)
        }
    }

    /// Brings the connection's account up to date: half a message and those that wait for workers are memory, too.
    private func count() {
        let held = reader.held + waiting.reduce(0, +)
        guard held != counted else { return }
        bytes?.account?.add(held - counted)
        counted = held
    }

    private func handle(_ event: SocketReader.Event, _ context: ChannelHandlerContext) {
        switch event {
        case .message(let data):
            guard case .open = phase else { return }
            waiting.append(data.count)
            dialogue.send(.message(data))
        case .ping(let payload):
            guard case .open = phase, hasRoom(context) else { return }
            var buffer = context.channel.allocator.buffer(capacity: payload.readableBytes + 2)
            SocketFrame.write(.pong, payload.readableBytesView, to: &buffer)
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        case .pong: pending = nil
        case .close(let code, let reason):
            if case .open = phase {
                end(code, reason)
                var buffer = ByteBuffer()
                if code == .none {
                    SocketFrame.write(.connectionClose, [], to: &buffer)
                } else {
                    SocketFrame.close(code, "").write(to: &buffer)
                }
                context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
            }
            // Both close frames are through.
            finish(context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: close(.goingAway, "the server shuts down")
        case ChannelEvent.inputClosed: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .over
        clock?.remove(self)
        end(.broken, "")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    // MARK: What goes

    func hear(_ note: SocketDialogue.Note) {
        switch (note, phase) {
        case (.frames(let frames), .opening(let promise)): keep(frames, promise)
        case (.answered, .opening(let promise)): opened(promise)
        case (.failed(let failure), .opening(let promise)):
            phase = .over
            if failure.isKnown {
                end(.broken, "")
            } else {
                hasEnded = true
                dialogue.forget()
            }
            let reason: Logger.Metadata = ["reason": .string(failure.description.debugDescription)]
            if failure.status == .forbidden {
                logger.info("workers refuse a socket", metadata: reason)
            } else {
                logger.warning("a socket could not be opened", metadata: reason)
            }
            promise.succeed(failure.decision)
        case (.frames(let frames), .open):
            // Between the answer to the opening and the channel.
            if hasBegun { send(frames) } else { early += frames }
        case (.answered, .open):
            _ = waiting.popFirst()
            guard let context else { return }
            pump(context)
            if holdsRead, !isFull {
                holdsRead = false
                context.read()
            }
        case (.failed(let failure), .open):
            logger.warning(
                "a socket's message has failed", metadata: ["reason": .string(failure.description.debugDescription)])
            close(.failed, "")
        case (_, .closing), (_, .ending), (_, .over): break
        }
    }

    /// Keeps frames until the handshake is answered; the choice of a subprotocol belongs to that answer.
    private func keep(_ frames: [SocketFrame], _ promise: EventLoopPromise<UpgradeDecision>) {
        for frame in frames {
            guard case .subprotocol(let name) = frame else {
                early.append(frame)
                continue
            }
            guard subprotocols.choose(name) else {
                phase = .over
                logger.warning(
                    "a worker chose a subprotocol that the page does not offer: its WebSocket is refused",
                    metadata: [
                        "chosen": "\((name ?? "").prefix(80).debugDescription)", "offered": "\(subprotocols.list)",
                    ])
                end(.broken, "")
                return promise.succeed(.refused(.badGateway))
            }
        }
    }

    private func send(_ frames: [SocketFrame]) {
        guard let context, !frames.isEmpty, case .open = phase, hasRoom(context) else { return }
        for frame in frames {
            switch frame {
            case .close(let code, let reason): return close(code, reason)
            case .subprotocol:
                logger.warning("a worker chose a subprotocol after its answer to `open`: it is ignored")
                continue
            case .text, .binary: break
            }
            var buffer = context.channel.allocator.buffer(capacity: 64)
            frame.write(to: &buffer)
            context.write(wrapOutboundOut(buffer), promise: nil)
        }
        context.flush()
    }

    /// Whether more may be written. Asked before each answer, so that the largest one alone is never too much.
    private func hasRoom(_ context: ChannelHandlerContext) -> Bool {
        guard ByteWatch.waiting(context.channel) > limits.waitingBytes else { return true }
        logger.info("more than \(limits.waitingBytes) bytes wait for a socket: it is closed")
        // A close frame would wait behind them.
        end(.overloaded, "too much waits for the browser")
        phase = .over
        context.close(promise: nil)
        return false
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.ioOnClosedChannel)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        context.close(mode: mode == .output ? .all : mode, promise: promise)
    }

    // MARK: Ends

    /// Sends a close frame, and waits a while for the browser's.
    private func close(_ code: CloseCode, _ reason: String) {
        guard let context, case .open = phase else { return }
        phase = .closing(until: loop.now + limits.close)
        end(code, reason)
        var buffer = ByteBuffer()
        SocketFrame.close(code, reason).write(to: &buffer)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        // What is left of the browser's messages is not wanted, its close frame is.
        if holdsRead {
            holdsRead = false
            context.read()
        }
        // What came before its close frame may have come already.
        pump(context)
    }

    /// Ends TCP at once, this side first (RFC 6455, 7.1.1). What still comes is read and dropped: were it not, the browser's system would be
    /// told of a reset, and might lose the close frame.
    private func finish(_ context: ChannelHandlerContext) {
        guard isHearing else { return }
        phase = .ending(until: loop.now + limits.close)
        bytes?.isDiscarding = true
        let promise = context.eventLoop.makePromise(of: Void.self)
        context.flush()
        context.close(mode: .output, promise: promise)
        promise.futureResult.assumeIsolated().whenFailure { _ in self.context?.close(promise: nil) }
        context.read()
    }

    /// Workers learn of the end, once.
    private func end(_ code: CloseCode, _ reason: String) {
        guard !hasEnded else { return }
        hasEnded = true
        dialogue.end(code, reason)
    }

    func tick(_ now: NIODeadline) {
        guard let context, let bytes else { return }
        switch phase {
        case .closing(let until), .ending(let until):
            if now >= until { return context.close(promise: nil) }
        default: break
        }
        let waits = bytes.count(context.channel) > 0
        let taken = waits ? bytes.sent - bytes.unconfirmed(context.channel) : bytes.sent
        if progress.isSlow(waiting: waits, taken: taken, now) {
            logger.debug("a browser took hardly anything for \(limits.writeStall): its socket is cut")
            return bytes.cut()
        }
        guard case .open = phase else { return }
        // A browser that is not read cannot be heard.
        if holdsRead { (pending, pingAt) = (nil, now + limits.ping) }
        if let pending {
            // A long message comes before the pong behind it.
            let isSending = bytes.received - pending.received > Int(limits.ping.nanoseconds / 1_000_000)
            guard now - pending.since >= limits.ping else { return }
            guard isSending else {
                logger.debug("a browser does not answer pings: its socket is closed")
                end(.broken, "no pong")
                return context.close(promise: nil)
            }
            self.pending = (now, bytes.received)
        } else if now >= pingAt {
            var buffer = ByteBuffer()
            SocketFrame.write(.ping, [], to: &buffer)
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
            (pending, pingAt) = ((now, bytes.received), now + limits.ping)
        }
    }
}
