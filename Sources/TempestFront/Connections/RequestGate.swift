// The gate of a connection of HTTP/1: what comes in is strict and in time, what goes out is taken, and the connection ends so that the
// client sees why. Before it: NIO's decoder. After it: Hummingbird's handlers, or a socket's.

import Logging
import NIOCore
import NIOHTTP1

/// Enforces ``ConnectionLimits`` on one connection, refuses what could be read in two ways, and offers requests to an upgrader.
final class RequestGate: ChannelDuplexHandler, RemovableChannelHandler, ClockMember {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let limits: ConnectionLimits
    let bytes: ByteWatch
    /// How what came ends; nil: nothing can be upgraded.
    var tail: HeaderBytesHandler?
    private let clock: ConnectionClock
    private let upgrader: (any ConnectionUpgrader)?
    private let drain: Drain
    private let logger: Logger
    private var context: ChannelHandlerContext?
    private var times: ConnectionTimes
    private var phase = Phase.open
    /// Requests whose response has not ended.
    private var unanswered = 0
    private var isReading = false
    /// Some of the body of the request that is read has come.
    private var hasBody = false
    private var hasBegunResponse = false
    private var promised = PromisedLength()
    /// There may be no body: what is written of one would be read as the next response.
    private var isBodiless = false
    /// Only the end of the connection ends the body of this response, or its client takes it for that.
    private var endsByClosing = false
    /// With that: nothing but a reset tells that some of it is missing.
    private var endIsSilent = false
    private var isLastRequest = false
    private var closesAfterResponse = false
    /// The client of the request that is read waits with its body until it is asked for it.
    private var isExpecting = false
    /// Of the requests that are unanswered, oldest first: whether each is HEAD, whether it is of HTTP/1.0, and whether it keeps the
    /// connection.
    private var asked = CircularBuffer<(isHead: Bool, isOld: Bool, isKept: Bool)>()
    private var wantsRead = false
    private var hasInputClosed = false
    private var lingersUntil: NIODeadline?
    private var hasHadRequest = false
    private var isQuiescing = false
    /// With that, the server shutting down: until when a client that has just connected, or has begun to ask, may go on.
    private var asksUntil: NIODeadline?

    init(
        limits: ConnectionLimits, bytes: ByteWatch, clock: ConnectionClock, upgrader: (any ConnectionUpgrader)?, drain: Drain,
        logger: Logger
    ) {
        (self.limits, self.bytes, self.clock, self.upgrader) = (limits, bytes, clock, upgrader)
        (self.drain, self.logger) = (drain, logger)
        times = ConnectionTimes(limits: limits, now: clock.now)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        clock.add(self)
        if drain.phase >= .draining { quiesce(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        clock.remove(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        clock.remove(self)
        phase = .over
        context.fireChannelInactive()
    }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), phase) {
        // It may be in the segment of the last request.
        case (_, .open) where isLastRequest && !isReading: break
        case (.head(let head), .open):
            bytes.firstByteAt = nil
            (isReading, hasHadRequest, hasBody) = (true, true, false)
            times.bodyBegins()
            if let status = RequestCheck.problem(head) { return refuse(status, "a request that could be misread", isNew: true) }
            if let upgrader, upgrader.wants(head) {
                guard unanswered == 0 else { return refuse(.badRequest, "an upgrade before earlier responses", isNew: true) }
                phase = .offered(head)
                return
            }
            unanswered += 1
            asked.append((head.method == .HEAD, head.version == .http1_0, RequestCheck.keepsConnection(head)))
            isExpecting = head.version == .http1_1 && RequestCheck.tokens(head.headers, "expect").contains("100-continue")
            isLastRequest = RequestCheck.endsParsing(head) || asked.last?.isKept == false
            context.fireChannelRead(data)
        case (.body(let body), .open):
            times.bodyCame(body.readableBytes)
            (isExpecting, hasBody) = (false, true)
            context.fireChannelRead(data)
        case (.end, .open):
            ended()
            // NIO's decoder would keep the rest without a bound.
            if isLastRequest { bytes.isDiscarding = true }
            context.fireChannelRead(data)
        case (.end, .offered(let head)):
            ended()
            if tail?.endsWithEmptyLine == false { return refuseEarlyBytes() }
            upgrade(head, context)
        case (.head, .offered), (.body, .offered), (_, .upgrading): refuseEarlyBytes()
        case (_, .refusing), (_, .over): break
        }
    }

    private func ended() {
        (isReading, isExpecting) = (false, false)
        // What came behind the request in one segment is the beginning of the next.
        bytes.firstByteAt = hasBody || tail?.endsWithEmptyLine ?? true ? nil : clock.now
        // The time of a next request that came early begins with the response, else now.
        if unanswered == 0 { times.responseEnded(clock.now) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        wantsRead = false
        switch phase {
        case .upgrading(let received) where received != bytes.received: refuseEarlyBytes()
        case .over: context.read()
        default: break
        }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        wantsRead = true
        context.read()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else { return context.fireErrorCaught(error) }
        switch phase {
        case .refusing, .over: break
        default:
            switch error {
            case .headerOverflow: refuse(.requestHeaderFieldsTooLarge, "a header above the limits", isNew: !isReading)
            case .invalidVersion: refuse(.httpVersionNotSupported, "another version of HTTP", isNew: !isReading)
            case .invalidMethod where bytes.beginsWithMethod:
                refuse(.notImplemented, "an unknown method", isNew: !isReading)
            default: refuse(.badRequest, "no HTTP: \(error)", isNew: !isReading)
            }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { return quiesce(context) }
        guard case .inputClosed? = event as? ChannelEvent else { return context.fireUserInboundEventTriggered(event) }
        hasInputClosed = true
        switch phase {
        case .over where lingersUntil != nil: context.close(promise: nil)
        case .offered, .upgrading: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// The server shuts down: what was asked is answered, and the connection ends. Hummingbird's own handler would close it at the end of
    /// the response, with the bytes of it that still wait.
    private func quiesce(_ context: ChannelHandlerContext) {
        isQuiescing = true
        guard case .open = phase else { return }
        if unanswered == 0, !isReading {
            if hasHadRequest, bytes.firstByteAt == nil { return context.close(promise: nil) }
            asksUntil = clock.now + limits.linger
        } else if hasBegunResponse, unanswered == 1 {
            closesAfterResponse = true
        }
    }

    // MARK: What goes

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .over = phase {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.code >= 200:
            let isChanged = begin(&head)
            context.write(isChanged ? wrapOutboundOut(.head(head)) : data, promise: promise)
        case .body where isBodiless && hasBegunResponse: promise?.succeed()
        case .body(let body) where promised.left != nil:
            let wanted = promised.take(body.readableBytes)
            if wanted == body.readableBytes { return context.write(data, promise: promise) }
            logger.warning("a response is longer than its content-length, and is cut there")
            guard wanted > 0, case .byteBuffer(var buffer) = body, let part = buffer.readSlice(length: wanted) else {
                promise?.succeed()
                return
            }
            context.write(wrapOutboundOut(.body(.byteBuffer(part))), promise: promise)
        case .end where promised.isShort:
            logger.warning("a response is shorter than its content-length, and is broken off")
            breakOff(context)
            promise?.fail(ChannelError.outputClosed)
        case .end where unanswered > 0:
            unanswered -= 1
            hasBegunResponse = false
            if unanswered == 0 { times.responseEnded(clock.now) }
            // The encoder does not know of HEAD, and would write the last chunk of a body without a length.
            let isHead = asked.popFirst()?.isHead ?? false
            let data = isHead ? wrapOutboundOut(.body(.byteBuffer(ByteBuffer()))) : data
            if case .refusing(let status, let headers) = phase {
                context.write(data, promise: promise)
                if !closesAfterResponse || unanswered > 0 { return refuseIfDue(status, headers) }
                return finish(context)
            }
            context.write(data, promise: promise)
            if closesAfterResponse { finish(context) }
        default: context.write(data, promise: promise)
        }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is BodyWanted else { return context.triggerUserOutboundEvent(event, promise: promise) }
        if case .open = phase, isExpecting, unanswered == 1 {
            isExpecting = false
            context.writeAndFlush(wrapOutboundOut(.head(.init(version: .http1_1, status: .continue))), promise: nil)
        }
        promise?.succeed()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode != .input, hasBegunResponse, unanswered > 0 {
            breakOff(context)
            promise?.succeed()
            return
        }
        guard mode == .output else { return context.close(mode: mode, promise: promise) }
        if case .over = phase {} else { finish(context) }
        promise?.succeed()
    }

    /// Completes the head of a response, so that its client knows where the body ends and whether the connection stays. False: it is as it was.
    private func begin(_ head: inout HTTPResponseHead) -> Bool {
        hasBegunResponse = true
        let request = asked.first ?? (isHead: false, isOld: false, isKept: true)
        let hasBody = !request.isHead && head.status.mayHaveResponseBody
        isBodiless = !hasBody
        let fields = ResponseFields(head.headers)
        promised = hasBody && fields.hasLength ? PromisedLength(fields.length) : PromisedLength()
        var isChanged = fields.hasProxyConnection
        // A worker's word would be of its own connections.
        if isChanged { head.headers.remove(name: "proxy-connection") }
        // A body may come that nobody has asked for, and what comes next would be read as a body or as a request.
        let isUncertain = isExpecting && unanswered == 1
        // Chunks are of HTTP/1.1: before it the end of the connection is the body's.
        let isUnmeasured = request.isOld && hasBody && !fields.hasLength
        (endsByClosing, endIsSilent) = (request.isOld, isUnmeasured)
        if request.isOld, !fields.hasLength { (head.version, isChanged) = (.http1_0, true) }
        closesAfterResponse = fields.closes
        let isLast = unanswered == 1 && (isLastRequest || isQuiescing || drain.closesConnections)
        if isLast || isUncertain || isUnmeasured {
            head.headers.replaceOrAdd(name: "connection", value: fields.upgrades ? "close, upgrade" : "close")
            (closesAfterResponse, isChanged) = (true, true)
        } else if request.isOld, request.isKept, !fields.hasConnection {
            head.headers.add(name: "connection", value: "keep-alive")
            isChanged = true
        }
        return isChanged
    }

    /// Ends the connection in the middle of a response, so that nobody takes a part of it for the whole.
    private func breakOff(_ context: ChannelHandlerContext) {
        (phase, bytes.isDiscarding) = (.over, true)
        context.flush()
        // To a client of HTTP/1.0 an end without a reset is the body's.
        guard endsByClosing else { return context.close(promise: nil) }
        if endIsSilent, context.channel.localAddress?.pathname != nil {
            logger.warning(
                "a response is broken off, and a client of HTTP/1.0 on a unix socket cannot see it: let it speak HTTP/1.1")
        }
        bytes.cut()
    }

    // MARK: Ends

    func tick(_ now: NIODeadline) {
        guard let context else { return }
        if case .over = phase, let lingersUntil, now >= lingersUntil { return context.close(promise: nil) }
        if let asksUntil, case .open = phase, unanswered == 0, !isReading, now >= asksUntil { return context.close(promise: nil) }
        var isBusy = unanswered > 0 || isReading
        if case .open = phase {} else { isBusy = true }
        let waiting = bytes.count(context.channel)
        let verdict = times.look(
            now, firstByte: bytes.firstByteAt, isBusy: isBusy, wantsBody: isReading && wantsRead, waiting: waiting > 0,
            taken: waiting > 0 ? bytes.sent - bytes.unconfirmed(context.channel) : bytes.sent)
        switch verdict {
        case .fine: break
        case .idle:
            logger.debug("a connection was idle for \(limits.idle), and is closed")
            context.close(promise: nil)
        case .stalled:
            logger.debug("a client took hardly anything of a response for \(limits.writeStall): the connection is cut")
            bytes.cut()
        case .slowHeader: refuse(.requestTimeout, "a header that took too long", isNew: true)
        case .slowBody: refuse(.requestTimeout, "a body below \(limits.bodyRate ?? 0) bytes a second", isNew: false)
        }
    }

    /// Reads nothing more, and answers with an error in its turn.
    ///
    /// - Parameter isNew: what is refused is no request that was let through.
    private func refuse(_ status: HTTPResponseStatus, _ reason: String, isNew: Bool, _ headers: HTTPHeaders = [:]) {
        guard let context else { return }
        logger.debug("a request is refused", metadata: ["status": "\(status.code)", "reason": "\(reason)"])
        bytes.isDiscarding = true
        isReading = false
        // A request that was let through and is broken now is refused instead of answered, unless its answer has begun.
        if !isNew, unanswered > 0 {
            if unanswered == 1, hasBegunResponse { return breakOff(context) }
            unanswered -= 1
            _ = asked.popLast()
        }
        phase = .refusing(status, headers)
        refuseIfDue(status, headers)
    }

    private func refuseEarlyBytes() {
        logger.info("a client sent bytes before its WebSocket's handshake was answered, and is refused (RFC 6455, 4.1)")
        refuse(.badRequest, "bytes between a handshake and its answer", isNew: true)
    }

    private func refuseIfDue(_ status: HTTPResponseStatus, _ headers: HTTPHeaders) {
        guard unanswered == 0, let context else { return }
        context.write(wrapOutboundOut(.head(.refusal(status, headers))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        finish(context)
        // Whoever reads the body of the refused request learns that no more comes.
        if !hasInputClosed { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
    }

    /// Closes the output after what is written, and the rest when the client has closed too, or has had time to.
    private func finish(_ context: ChannelHandlerContext) {
        (phase, bytes.isDiscarding) = (.over, true)
        let promise = context.eventLoop.makePromise(of: Void.self)
        context.flush()
        context.close(mode: .output, promise: promise)
        promise.futureResult.assumeIsolated().whenComplete { result in
            guard let context = self.context else { return }
            if case .success = result, !self.hasInputClosed {
                self.lingersUntil = context.eventLoop.now + self.limits.linger
                context.read()
            } else {
                context.close(promise: nil)
            }
        }
    }

    // MARK: Upgrade

    private func upgrade(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard let upgrader else { return }
        phase = .upgrading(received: bytes.received)
        upgrader.upgrade(head, of: context.channel).hop(to: context.eventLoop).assumeIsolated().whenComplete { result in
            guard case .upgrading = self.phase, let context = self.context else { return }
            switch result {
            case .failure(let error):
                self.logger.error("a connection could not be upgraded", metadata: ["error": "\(error)"])
                self.refuse(.internalServerError, "the upgrade failed", isNew: true)
            case .success(let decision):
                guard let handler = decision.handler else {
                    return self.refuse(decision.status, "the upgrade is refused", isNew: true, decision.headers)
                }
                self.takeOver(handler(self.bytes, self.clock), decision, context)
            }
        }
    }

    private func takeOver(_ handler: any ChannelHandler, _ decision: UpgradeDecision, _ context: ChannelHandlerContext) {
        let head = HTTPResponseHead(version: .http1_1, status: decision.status, headers: decision.headers)
        let pipeline = context.pipeline.syncOperations
        do {
            let encoder = try pipeline.handler(type: HTTPResponseEncoder.self)
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            // The bytes of 101 have left the encoder: whatever comes or goes from now on is the new handler's.
            try pipeline.addHandler(handler, position: .after(self))
            pipeline.removeHandler(self, promise: nil)
            pipeline.removeHandler(try pipeline.handler(type: MessageWatch.self), promise: nil)
            pipeline.removeHandler(try pipeline.handler(type: HeaderBytesHandler.self), promise: nil)
            pipeline.removeHandler(decoder, promise: nil)
            pipeline.removeHandler(encoder, promise: nil)
            if isQuiescing { pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        } catch {
            context.close(promise: nil)
        }
    }
}
