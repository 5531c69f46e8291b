// Who listens to which channel, and what becomes of a message: rendered once, handed to every listener of its channel.
// Between RedisSubscriber, whose one connection follows the channels that somebody listens to, and the listeners.

import Logging
import Metrics
import NIOCore
import Synchronization
import TempestProtocol
import TempestRedis

final class EventHub: Sendable {
    private struct Followed {
        let name: ChannelName
        /// Which of our wishes to follow it this is: a confirmation of an earlier one does not count.
        let ticket: Int
        var isConfirmed = false
        /// The last message that is known to have been in the history.
        var last: HistoryID?
        var listeners: [ObjectIdentifier: EventListener] = [:]
        /// Whether trouble with this channel was logged.
        var hasComplained = false
    }

    private struct State {
        /// By what they are called in Redis.
        var channels: [String: Followed] = [:]
        var listeners = 0
        var tickets = 0
        var isClosed = false
        /// Those whose end is still to come, in its order; nil: the hub is not closed.
        var ending: [EventListener]?
        /// Completed when nobody listens any more, after the hub was closed.
        var emptied: EventLoopPromise<Void>?
    }

    /// Reads what channels have kept.
    let history: EventHistory
    private let options: EventStreamOptions
    private let logger: Logger
    private let redis: RedisClient
    private let subscriber: RedisSubscriber
    private let state = Mutex(State())
    /// Of this front, so that not all tell their browsers the same times.
    private let offset = Double.random(in: 0..<1)

    private let listening = Gauge(label: "tempest_front_event_listeners")
    private let messages = Counter(label: "tempest_front_events_total")
    private let slow = Counter(label: "tempest_front_event_listeners_slow_total")

    init(_ redis: RedisClient, options: EventStreamOptions, logger: Logger) {
        self.redis = redis
        self.options = options
        self.logger = logger
        self.history = EventHistory(redis, longest: options.waitingBytes)
        self.subscriber = RedisSubscriber(redis, name: "\(redis.name)-subscription", logger: logger)
        self.subscriber.onNews { [weak self] in self?.hear($0) }
    }

    /// What the channel is called in Redis, where channels are those of all databases.
    private func name(_ channel: ChannelName) -> String {
        Keys.events(channel, database: self.redis.configuration.database)
    }

    // MARK: Listeners

    /// Why nobody may come now; nil: there is room.
    enum Refusal {
        case full, closed
    }

    /// How many listen.
    var listeners: Int { self.state.withLock { $0.listeners } }

    var refusal: Refusal? { self.state.withLock { self.refusal($0) } }

    private func refusal(_ state: borrowing State) -> Refusal? {
        if state.isClosed { return .closed }
        return state.listeners >= self.options.listeners ? .full : nil
    }

    /// Takes a listener in, unless there is no room or the hub was closed.
    func join(
        _ channel: ChannelName, since: HistoryPlace?, connection: (any Channel)?, waiting: WaitingBytes?
    ) -> EventListener? {
        let name = self.name(channel)
        return self.state.withLock { state -> EventListener? in
            guard self.refusal(state) == nil else { return nil }
            state.listeners += 1
            state.tickets += 1
            let retry = StreamSpread.retry(self.options.retry, stream: state.tickets, offset: self.offset)
            let opening = ByteBuffer(string: "retry: \(retry)\n\n")
            let listener = EventListener(
                number: state.tickets, opening: opening, since: since, limits: self.options, connection: connection,
                waiting: waiting)
            if state.channels[name] == nil {
                state.channels[name] = Followed(name: channel, ticket: state.tickets)
                // Asked for under the lock, so that it is asked in the order of coming and going; it is done later.
                self.subscriber.follow(name, ticket: state.tickets)
            }
            state.channels[name]?.listeners[ObjectIdentifier(listener)] = listener
            if state.channels[name]?.isConfirmed == true { listener.followed(at: self.history.moment()) }
            self.listening.record(state.listeners)
            return listener
        }
    }

    /// Lets a listener go; the last of a channel takes the channel along.
    func leave(_ channel: ChannelName, _ listener: EventListener) {
        let name = self.name(channel)
        let emptied = self.state.withLock { state -> EventLoopPromise<Void>? in
            guard state.channels[name]?.listeners.removeValue(forKey: ObjectIdentifier(listener)) != nil else { return nil }
            if state.channels[name]?.listeners.isEmpty == true {
                state.channels[name] = nil
                self.subscriber.unfollow(name)
            }
            state.listeners -= 1
            self.listening.record(state.listeners)
            guard state.listeners == 0 else { return nil }
            defer { state.emptied = nil }
            return state.emptied
        }
        emptied?.succeed()
    }

    /// Gives a comment to those whose turn it is, of `slices` turns.
    func beat(_ comment: ByteBuffer, slice: Int, of slices: Int) {
        self.state.withLock { state in
            for channel in state.channels.values {
                for listener in channel.listeners.values where listener.number % slices == slice { listener.beat(comment) }
            }
        }
    }

    // MARK: Messages

    private func hear(_ news: RedisSubscriber.News) {
        switch news {
        case .message(let message): self.deliver(message)
        case .followed(let channel, let ticket): self.confirm(channel, ticket)
        case .refused(let channel, let ticket, let error): self.refuse(channel, ticket, error)
        case .lost:
            self.state.withLock { state in
                for name in state.channels.keys {
                    state.channels[name]?.isConfirmed = false
                    let last = state.channels[name]?.last
                    for listener in state.channels[name]?.listeners.values ?? [:].values { listener.lost(last: last) }
                }
            }
        }
    }

    private func deliver(_ message: RedisMessage) {
        let event: RenderedEvent
        do throws(RenderedEvent.Flaw) {
            event = try RenderedEvent(message.payload, longest: self.options.waitingBytes)
        } catch {
            return self.complain(message.channel, error)
        }
        self.messages.increment()
        let tooSlow = self.state.withLock { state -> Int in
            // Before its confirmation a channel's messages are those of an earlier wish, which has ended.
            guard let channel = state.channels[message.channel], channel.isConfirmed else { return 0 }
            if let id = event.id, id > channel.last ?? .zero { state.channels[message.channel]?.last = id }
            return channel.listeners.values.count { !$0.offer(event) }
        }
        guard tooSlow > 0 else { return }
        self.slow.increment(by: tooSlow)
        self.logger.info(
            "browsers took their events too slowly and were cut off",
            metadata: ["channel": "\(message.channel)", "count": "\(tooSlow)"])
    }

    private func confirm(_ name: String, _ ticket: Int) {
        let (channel, last) = self.state.withLock { state -> (ChannelName?, HistoryID?) in
            guard let channel = state.channels[name], channel.ticket == ticket else { return (nil, nil) }
            state.channels[name]?.isConfirmed = true
            let moment = self.history.moment()
            for listener in channel.listeners.values { listener.followed(at: moment) }
            return (channel.name, channel.last)
        }
        guard let channel, last == nil else { return }
        // Where the history stands now: those who have seen no message of it need that if Redis goes away before the first.
        self.history.end(channel).whenSuccess { id in
            self.state.withLock { state in
                guard let channel = state.channels[name], channel.ticket == ticket else { return }
                state.channels[name]?.last = max(id, channel.last ?? .zero)
            }
        }
    }

    private func refuse(_ name: String, _ ticket: Int, _ error: RedisError) {
        self.logger.warning("Redis refuses a channel", metadata: ["channel": "\(name)", "error": "\(error)"])
        self.state.withLock { state in
            guard let channel = state.channels[name], channel.ticket == ticket else { return }
            for listener in channel.listeners.values { listener.end(.done) }
        }
    }

    /// Counts a message that is dropped; says so for the first of a channel.
    private func complain(_ name: String, _ flaw: RenderedEvent.Flaw) {
        Counter(label: "tempest_front_events_dropped_total", dimensions: [("reason", "\(flaw)")]).increment()
        guard self.isFirstComplaint(name) else { return }
        self.logger.warning(
            "a message is dropped, and so are others of this channel that are no better",
            metadata: ["channel": "\(name)", "reason": "\(flaw.rawValue)"])
    }

    /// A history that cannot be read.
    func complain(_ channel: ChannelName, _ error: any Error) {
        let name = self.name(channel)
        guard self.isFirstComplaint(name) else { return }
        self.logger.warning(
            "the history of a channel cannot be read: browsers that come back miss events",
            metadata: ["channel": "\(name)", "error": "\(error)"])
    }

    private func isFirstComplaint(_ name: String) -> Bool {
        self.state.withLock { state in
            guard let channel = state.channels[name] else { return false }
            state.channels[name]?.hasComplained = true
            return !channel.hasComplained
        }
    }

    // MARK: The end

    /// Takes nobody in any more, and ends all streams, spread over the grace; who has not taken what was sent to him by then is cut off.
    /// Only the first call counts.
    func end() {
        let count = self.state.withLock { state -> Int? in
            guard state.ending == nil else { return nil }
            state.isClosed = true
            let all = state.channels.values.flatMap { $0.listeners.values }.sorted { $0.number < $1.number }
            state.ending = all
            return all.count
        }
        guard let count else { return }
        let loop = self.subscriber.eventLoop
        let (start, spread) = (loop.now, StreamSpread(streams: count, grace: self.options.grace))
        self.endThose(due: spread.due(after: .zero), of: count)
        if spread.window > .zero {
            loop.scheduleRepeatedTask(initialDelay: .milliseconds(20), delay: .milliseconds(20)) { task in
                let elapsed = Duration.nanoseconds((loop.now - start).nanoseconds)
                self.endThose(due: spread.due(after: elapsed), of: count)
                if elapsed >= spread.window || self.listeners == 0 { task.cancel() }
            }
        }
        loop.scheduleTask(in: .nanoseconds(self.options.grace.nanoseconds)) { self.forAll { $0.sever() } }
    }

    private func endThose(due: Int, of count: Int) {
        let due = self.state.withLock { state -> ArraySlice<EventListener> in
            let left = state.ending?.count ?? 0
            let number = min(left, max(0, due - (count - left)))
            defer { state.ending?.removeFirst(number) }
            return (state.ending ?? []).prefix(number)
        }
        for listener in due { listener.end(.done) }
    }

    /// Ends all streams as ``end()`` does, waits until that is done, and closes the connections.
    func close() async {
        let emptied = self.subscriber.eventLoop.makePromise(of: Void.self)
        self.end()
        let isEmpty = self.state.withLock { state -> Bool in
            guard state.listeners > 0, state.emptied == nil else { return true }
            state.emptied = emptied
            return false
        }
        if isEmpty { emptied.succeed() }
        try? await emptied.futureResult.get()
        await self.subscriber.close()
        await self.redis.shutdown()
    }

    private func forAll(_ body: (EventListener) -> Void) {
        let all = self.state.withLock { $0.channels.values.flatMap { $0.listeners.values } }
        for listener in all { body(listener) }
    }
}
