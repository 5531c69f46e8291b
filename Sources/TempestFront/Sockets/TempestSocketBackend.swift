// Sockets' events as jobs, and workers' answers as frames (protocol/http.md, "Sockets"). Before it: SocketDialogue. After it: Redis.

import Logging
import NIOCore
import NIOPosix
import Synchronization
import Tempest
import TempestCodecs
import TempestProtocol

/// Reaches workers by a client's Redis.
struct TempestSocketBackend: SocketBackend {
    let client: TempestClient
    /// How long the push of an opening may be tried again.
    var patience = TimeAmount.seconds(2)
    let logger: Logger

    func line(for route: SocketRoute, meta: ValueMap, receive: @escaping @Sendable (SocketReply) -> Void) -> any SocketLine {
        TempestSocketLine(client, route, meta, patience, logger, receive)
    }
}

/// One connection's job id: its answers come to the client's inbox until this is gone.
final class TempestSocketLine: SocketLine {
    private struct State {
        var respondTo: InboxID?
        /// Counts events: what belongs to an earlier one is ignored.
        var event = 0
        var isWaiting = false
        var token: String?
        var next: Int64 = 0
        var alarm: Scheduled<Void>?
    }

    /// How long the push of what comes after the opening may be tried again: the browser has begun to speak.
    private static let patience = TimeAmount.seconds(10)

    private let id = JobID.random()
    private let client: TempestClient
    private let route: SocketRoute
    private let meta: ValueMap
    private let patience: TimeAmount
    private let logger: Logger
    private let receive: @Sendable (SocketReply) -> Void
    private let state = Mutex(State())

    init(
        _ client: TempestClient, _ route: SocketRoute, _ meta: ValueMap, _ patience: TimeAmount, _ logger: Logger,
        _ receive: @escaping @Sendable (SocketReply) -> Void
    ) {
        (self.client, self.route, self.meta, self.patience) = (client, route, meta, patience)
        (self.logger, self.receive) = (logger, receive)
    }

    deinit { client.leave(id, queue: route.queue) }

    func send(_ event: SocketEvent) {
        let isLast = if case .close = event { true } else { false }
        let isOpening = if case .open = event { true } else { false }
        let patience = isOpening ? patience : Self.patience
        let wait: Duration? = isOpening ? .nanoseconds(route.limits.open.nanoseconds) : nil
        let until = NIODeadline.now() + patience
        let number = state.withLock { state in
            state.event += 1
            (state.isWaiting, state.token, state.next) = (!isLast, nil, 0)
            return state.event
        }
        if !isLast { arm(number) }
        // Unstructured: called from event loops, by connections that do not wait. It ends with the push.
        Task {
            do {
                let respondTo = isLast ? nil : try await self.attend(until)
                try await client.post(
                    letter(event), respondTo: respondTo, until: until, wait: wait,
                    isAnswered: { !self.waits(for: number) })
            } catch {
                if !isLast { return self.finish(number, .failed(SocketFailure(pushing: error))) }
                self.logger.warning("the end of a socket could not be pushed", metadata: ["job": "\(id)", "error": "\(error)"])
            }
        }
    }

    private func attend(_ until: NIODeadline) async throws -> InboxID {
        if let known = state.withLock({ $0.respondTo }) { return known }
        // Weak: who listens is gone when the connection is.
        let respondTo = try await client.attend(id, queue: route.queue, until: until) { [weak self] in
            if case .answer(let answer) = $0 { self?.hear(answer) }
            return true
        }
        state.withLock { $0.respondTo = respondTo }
        return respondTo
    }

    private func letter(_ event: SocketEvent) throws -> Letter {
        var meta = meta
        // To open may be repeated, as a GET may; what the other side says may not.
        if case .open = event {} else if route.again.isOnceForMessages { meta["once"] = true }
        return Letter(
            route.action, args: try event.write(inBase64: route.writesBase64), count: 1, id: id, queue: route.queue,
            level: route.level, codec: route.codec, meta: meta)
    }

    // MARK: What comes

    private func hear(_ answer: Answer) {
        let reply: SocketReply
        do throws(SocketFailure) {
            if let error = answer.error {
                reply = .failed(SocketFailure(error))
            } else {
                reply = .frames(try SocketFrame.frames(answer), isLast: !answer.more)
            }
        } catch { reply = .failed(error) }
        enum Place { case told, answer, duplicate, interrupted }
        let (place, number) = state.withLock { state -> (Place, Int) in
            // A worker that speaks by itself names another action than the route's, such as `tell`, or speaks when nothing is asked.
            guard state.isWaiting, answer.action == route.action else { return (.told, state.event) }
            if answer.error != nil { return (.answer, state.event) }
            if answer.token != state.token, state.next > 0 { return (.interrupted, state.event) }
            if answer.token != nil, answer.seq < state.next { return (.duplicate, state.event) }
            (state.token, state.next) = (answer.token, state.next + 1)
            return (.answer, state.event)
        }
        switch (place, reply) {
        case (.told, .frames(let frames, _)): receive(.told(frames))
        case (.told, _):
            logger.warning("what a worker told a socket is no frames", metadata: ["job": "\(id)"])
        case (.duplicate, _): break
        case (.interrupted, _): finish(number, .failed(SocketFailure("a worker died after some answers, and another began anew")))
        case (.answer, .frames(_, isLast: false)):
            arm(number)
            receive(reply)
        case (.answer, _): finish(number, reply)
        }
    }

    private func waits(for number: Int) -> Bool { state.withLock { $0.event == number && $0.isWaiting } }

    /// The last reply to an event, if it is still waited for.
    private func finish(_ number: Int, _ reply: SocketReply) {
        let (isFirst, alarm) = state.withLock { state -> (Bool, Scheduled<Void>?) in
            guard state.event == number, state.isWaiting else { return (false, nil) }
            state.isWaiting = false
            defer { state.alarm = nil }
            return (true, state.alarm)
        }
        alarm?.cancel()
        if isFirst { receive(reply) }
    }

    /// The time to the next answer begins.
    private func arm(_ number: Int) {
        let limit = route.limits.answer
        let alarm = MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: limit) {
            self.finish(number, .failed(.late("no answer within \(limit)")))
        }
        let old = state.withLock { state in
            defer { state.alarm = alarm }
            return state.alarm
        }
        old?.cancel()
    }
}
