// One client of a listening node: bytes in, replies out, one timer. Carries out what the parser and the conversation say; what all
// connections share is the register's.

import NIOCore

final class ListenerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let limits: ListenerLimits
    private let register: ListenerRegister
    private let deliver: @Sendable (DirectAnswer) -> DirectAnswer.Verdict
    private let id: Int
    private var parser: CommandParser
    private var conversation: ListenerConversation
    private var counted = 0
    private var lastHeard = NIODeadline.now()
    /// When the command that has not ended yet began.
    private var begun: NIODeadline?
    private var timer: Scheduled<Void>?
    private var isOver = false

    init(
        id: Int, password: String?, limits: ListenerLimits, register: ListenerRegister,
        deliver: @escaping @Sendable (DirectAnswer) -> DirectAnswer.Verdict
    ) {
        (self.id, self.limits, self.register, self.deliver) = (id, limits, register, deliver)
        self.parser = CommandParser(limits: limits)
        self.conversation = ListenerConversation(id: id, password: password)
    }

    func channelActive(context: ChannelHandlerContext) {
        arm(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        lastHeard = .now()
        register.heard(id, at: lastHeard)
        parser.feed(unwrapInboundIn(data).readableBytesView)
        do {
            while !isOver, let command = try parser.next() {
                begun = nil
                carryOut(conversation.receive(command), context)
            }
        } catch {
            write(.error("ERR Protocol error: \(error.message)"), context)
            end(context)
            return
        }
        guard !isOver else { return }
        if parser.isWithinCommand {
            begun = begun ?? lastHeard
        } else {
            begun = nil
        }
        let change = parser.unfinished - counted
        counted += change
        if !register.count(change, limit: limits.unfinishedBytes) {
            write(.error("ERR too many unfinished commands: try again later"), context)
            end(context)
        }
    }

    private func carryOut(_ step: ListenerConversation.Step, _ context: ChannelHandlerContext) {
        switch step {
        case .reply(let reply): write(reply, context)
        case .end(let reply):
            write(reply, context)
            end(context)
        case .hangUp: end(context)
        case .answer(let answer):
            switch deliver(answer) {
            case .taken: write(.ok, context)
            case .late: write(.status("LATE"), context)
            case .refused(let reason): write(.error("ERR \(reason)"), context)
            }
        }
    }

    private func write(_ reply: ListenerReply, _ context: ChannelHandlerContext) {
        var bytes: [UInt8] = []
        reply.write(to: &bytes, version: conversation.version)
        context.write(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !isOver { context.flush() }
        context.fireChannelReadComplete()
    }

    /// A client that reads no replies is not read from either, until it does or its time is over.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        context.channel.setOption(.autoRead, value: context.channel.isWritable).whenFailure { _ in }
        context.fireChannelWritabilityChanged()
    }

    private func arm(_ context: ChannelHandlerContext) {
        let next = min(lastHeard + limits.idleTime, begun.map { $0 + limits.commandTime } ?? .now() + limits.commandTime)
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: max(next, .now() + .milliseconds(10))) {
            self.look(context)
        }
    }

    private func look(_ context: ChannelHandlerContext) {
        guard !isOver else { return }
        let now = NIODeadline.now()
        if let begun, now - begun >= limits.commandTime {
            write(.error("ERR the command took longer than it may"), context)
            end(context)
        } else if now - lastHeard >= limits.idleTime {
            end(context)
        } else {
            arm(context)
        }
    }

    /// Hangs up once what was written has gone out; at once where nobody reads it.
    private func end(_ context: ChannelHandlerContext) {
        guard !isOver else { return }
        isOver = true
        forget()
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isOver = true
        forget()
        context.fireChannelInactive()
    }

    /// Also of a channel that was never active.
    func handlerRemoved(context: ChannelHandlerContext) {
        isOver = true
        forget()
        register.left(id)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        isOver = true
        forget()
        context.close(promise: nil)
    }

    private func forget() {
        timer?.cancel()
        timer = nil
        _ = register.count(-counted, limit: .max)
        counted = 0
    }
}
