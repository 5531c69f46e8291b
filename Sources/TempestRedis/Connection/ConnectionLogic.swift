// What a connection has to do, without doing it: who waits for which reply, until when, and what a message from Redis means.
// ChannelHandler feeds it events and carries out what it returns; its tests need no socket.

import NIOCore

/// The logic of one connection: replies match commands first in, first out; the oldest command's deadline is the connection's.
///
/// `Token` stands for whoever waits: a promise in the program, a number in tests.
struct ConnectionLogic<Token> {
    private enum State {
        /// Commands and replies. To `subscribed` or `closed`.
        case open
        /// Messages come at any time; of commands only PING and those that change the subscription are left. To `closed`.
        case subscribed
        /// For good; the error says why, for those who come too late.
        case closed(RedisError)
    }

    private struct Pending {
        let token: Token
        let name: String
        let sentAt: NIODeadline
        let deadline: NIODeadline
        /// Confirmations of a subscription that are still to come; nil for a command.
        var confirmations: Int?
    }

    /// Whether something may be written.
    enum Admission {
        case write
        case refuse(Token, RedisError)
    }

    /// What a reply leads to.
    enum Delivery {
        case succeed(Token, RedisReply)
        case fail(Token, RedisError)
        case message(RedisMessage)
        case nothing
        /// The stream makes no sense any more: close the connection with this error.
        case close(RedisError)
    }

    /// What a look at the clock leads to.
    enum Expiry {
        case nothing
        /// Fail this one, and close the connection: its reply may still come, and would be taken for another's.
        case close(Token, RedisError)
    }

    private var state = State.open
    private var pending = CircularBuffer<Pending>()
    private let place: RedisPlace

    init(_ place: RedisPlace) { self.place = place }

    /// When the oldest command must have been answered; nil when none waits.
    var nextDeadline: NIODeadline? { self.pending.first?.deadline }

    /// How many wait for a reply.
    var pendingCount: Int { self.pending.count }

    /// A command is about to be written.
    mutating func enqueue(_ token: Token, name: String, now: NIODeadline, timeout: TimeAmount) -> Admission {
        self.append(Pending(token: token, name: name, sentAt: now, deadline: now + timeout, confirmations: nil))
    }

    /// A change of the subscription is about to be written: SUBSCRIBE, PSUBSCRIBE or UNSUBSCRIBE, whose channels Redis confirms one
    /// by one. After the first the connection is subscribed for good.
    mutating func enqueueSubscription(
        _ token: Token, name: String = "SUBSCRIBE", confirmations: Int, now: NIODeadline, timeout: TimeAmount
    ) -> Admission {
        let admission = self.append(
            Pending(token: token, name: name, sentAt: now, deadline: now + timeout, confirmations: confirmations))
        if case .write = admission { self.state = .subscribed }
        return admission
    }

    private mutating func append(_ entry: Pending) -> Admission {
        switch self.state {
        case .open:
            self.pending.append(entry)
            return .write
        case .subscribed where entry.confirmations != nil || entry.name == "PING":
            self.pending.append(entry)
            return .write
        case .subscribed:
            let what = "\(entry.name) cannot be sent on a connection that is subscribed; use another connection"
            return .refuse(entry.token, RedisError(.badArgument, what).unsent)
        case .closed(let error):
            return .refuse(entry.token, error.unsent)
        }
    }

    /// A whole reply has come.
    mutating func received(_ reply: RedisReply) -> Delivery {
        switch self.state {
        case .closed:
            return .nothing
        case .subscribed:
            if let delivery = self.receivedWhileSubscribed(reply) { return delivery }
        case .open:
            break
        }
        guard let first = self.pending.popFirst() else { return .close(self.unasked(reply)) }
        if case .error(let text) = reply { return .fail(first.token, ServerErrorReply.error(text, from: self.place)) }
        return .succeed(first.token, reply)
    }

    /// Nil when the reply is an ordinary one, for a command that was sent before the subscription.
    private mutating func receivedWhileSubscribed(_ reply: RedisReply) -> Delivery? {
        guard case .array(let parts) = reply, let kind = parts.first?.string else { return nil }
        switch (kind, parts.count) {
        case ("message", 3):
            guard let channel = parts[1].string, let payload = parts[2].bytes else { return .close(self.unasked(reply)) }
            return .message(RedisMessage(channel: channel, pattern: nil, payload: payload))
        case ("pmessage", 4):
            guard let pattern = parts[1].string, let channel = parts[2].string, let payload = parts[3].bytes else {
                return .close(self.unasked(reply))
            }
            return .message(RedisMessage(channel: channel, pattern: pattern, payload: payload))
        case ("subscribe", 3), ("psubscribe", 3), ("unsubscribe", 3), ("punsubscribe", 3):
            guard let left = self.pending.first?.confirmations else { return nil }
            if left > 1 {
                self.pending[self.pending.startIndex].confirmations = left - 1
                return .nothing
            }
            return .succeed(self.pending.removeFirst().token, .null)
        case ("pong", 2):
            guard let first = self.pending.popFirst() else { return .close(self.unasked(reply)) }
            return .succeed(first.token, .status("PONG"))
        default:
            return nil
        }
    }

    /// Redis speaks unasked when it turns a client away; anything else is a stream out of step.
    private func unasked(_ reply: RedisReply) -> RedisError {
        if case .error(let text) = reply { return ServerErrorReply.error(text, from: self.place) }
        return RedisError(
            .protocolError, "\(self.place.address) sent a reply that no command had asked for; the connection is closed")
    }

    /// The time is now: has the oldest command waited too long?
    mutating func expire(now: NIODeadline) -> Expiry {
        guard let first = self.pending.first, first.deadline <= now else { return .nothing }
        self.pending.removeFirst()
        let waited = Self.seconds(first.deadline - first.sentAt)
        let error = RedisError(
            .timedOut,
            "\(self.place.address) did not answer \(first.name) within \(waited) s; it may or may not have run. Is Redis busy or stopped?"
        )
        return .close(first.token, error)
    }

    /// The connection is gone, or is about to be closed. Returns who must be told of it; the first reason stays.
    mutating func close(_ error: RedisError) -> [(Token, RedisError)] {
        if case .closed = self.state { return [] }
        self.state = .closed(error)
        let waiting = self.pending.map { entry in
            let tells = error.code == .connectionLost && !error.wasNotSent
            let told = tells ? Self.lost(entry.name, error) : error
            return (entry.token, told)
        }
        self.pending.removeAll()
        return waiting
    }

    private static func lost(_ name: String, _ error: RedisError) -> RedisError {
        RedisError(.connectionLost, "\(error.message); \(name) may or may not have run", file: error.file, line: error.line)
    }

    private static func seconds(_ amount: TimeAmount) -> String {
        let milliseconds = amount.nanoseconds / 1_000_000
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)" : "\(Double(milliseconds) / 1000)"
    }
}
