// One browser's stream: what waits for it, and from where on it has to read the history first.
// Filled by EventHub, on Redis' event loop; emptied by the task that Hummingbird runs for the browser's connection. It has no task and
// no timer of its own.

import NIOCore
import Synchronization

final class EventListener: Sendable {
    /// What its task has to do next.
    enum Turn: Sendable {
        /// Write these.
        case write([ByteBuffer])
        /// Read the history after this id, write it, and say so with ``read(to:isLast:epoch:)``.
        case read(HistoryPlace, epoch: UInt64)
        /// Everything is written: end the response.
        case end
        /// Break the connection off.
        case broken
    }

    /// Where it stands; the hub moves it, but for the way from `reading` to `live`, which its task finds.
    private enum Phase {
        /// Redis has not confirmed the channel, or is away. With an id it has to read from there, then. To `reading` or `live`.
        case waiting(HistoryPlace?)
        /// Its task reads the history; what comes meanwhile is held. To `live`, or back to `waiting`.
        case reading(HistoryPlace)
        /// It gets what comes. To `waiting`.
        case live
    }

    enum Ending {
        /// After what waits for it.
        case done
        /// At once: it took its events too slowly.
        case slow
        /// At once: the browser went away.
        case gone
    }

    private struct State {
        var phase: Phase
        var ready: [ByteBuffer]
        var held: [RenderedEvent] = []
        var bytes = 0
        /// How many of these are counted among what waits for slow clients.
        var counted = 0
        /// The last message of the history that it has read for itself: what comes with an id up to this one it has.
        var seen: HistoryID?
        /// The history's moment of its coming, or of the channel's last confirmation: what was read before may lack what came until then.
        var epoch: UInt64
        var ending: Ending?
        var waiter: CheckedContinuation<Void, Never>?
    }

    private static let following = ByteBuffer(staticString: ": following\n\n")
    /// Bytes that are handed to the connection at once.
    private static let portion = 64 * 1024

    /// Which of the heartbeats is its own.
    let number: Int
    private let limits: EventStreamOptions
    private let connection: (any Channel)?
    private let waiting: WaitingBytes?
    private let state: Mutex<State>

    /// - Parameters:
    ///   - opening: what it gets before anything else.
    ///   - since: the last message that the browser has; nil: it wants what comes from now on.
    ///   - waiting: where what its browser does not take in time is counted.
    init(
        number: Int, opening: ByteBuffer, since: HistoryPlace?, limits: EventStreamOptions, connection: (any Channel)? = nil,
        waiting: WaitingBytes? = nil
    ) {
        self.number = number
        self.limits = limits
        self.connection = connection
        self.waiting = waiting
        self.state = Mutex(State(phase: .waiting(since), ready: [opening], bytes: opening.readableBytes, epoch: 0))
    }

    // MARK: The task's side

    /// What to do next; waits until there is something. A cancelled task is told to break off.
    func next() async -> Turn {
        while true {
            if let turn = self.state.withLock({ Self.take(&$0) }) {
                if case .write = turn { self.count(begins: false) }
                return turn
            }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isDue = self.state.withLock { state in
                        if Self.isDue(state) { return true }
                        state.waiter = continuation
                        return false
                    }
                    if isDue { continuation.resume() }
                }
            } onCancel: {
                self.end(.gone)
            }
        }
    }

    private static func isDue(_ state: State) -> Bool {
        if case .reading = state.phase { return true }
        return !state.ready.isEmpty || state.ending != nil
    }

    private static func take(_ state: inout State) -> Turn? {
        switch state.ending {
        case .slow, .gone: return .broken
        case .done, nil: break
        }
        if !state.ready.isEmpty { return .write(self.portion(&state)) }
        if state.ending != nil { return .end }
        if case .reading(let place) = state.phase { return .read(place, epoch: state.epoch) }
        return nil
    }

    private static func portion(_ state: inout State) -> [ByteBuffer] {
        var (count, bytes) = (0, 0)
        while count < state.ready.count, count == 0 || bytes + state.ready[count].readableBytes <= self.portion {
            bytes += state.ready[count].readableBytes
            count += 1
        }
        state.bytes -= bytes
        guard count < state.ready.count else {
            defer { state.ready = [] }
            return state.ready
        }
        defer { state.ready.removeFirst(count) }
        return Array(state.ready[..<count])
    }

    /// A page of the history was written.
    func read(to id: HistoryID?, isLast: Bool, epoch: UInt64) {
        self.state.withLock { state in
            switch state.phase {
            case .reading(let before):
                let id = id ?? Self.end(of: before)
                if isLast, epoch == state.epoch { self.goLive(&state, since: id) } else { state.phase = .reading(.after(id)) }
            case .waiting(let before): state.phase = .waiting(id.map { .after($0) } ?? before)
            case .live: break
            }
        }
    }

    /// What it asked for is nowhere in the history: it is to be read from the beginning, after the gap.
    func lose(_ asked: String) {
        self.state.withLock { state in
            switch state.phase {
            case .reading: state.phase = .reading(.lost(asked))
            case .waiting: state.phase = .waiting(.lost(asked))
            case .live: break
            }
        }
    }

    /// Where it stands when nothing was found after a place.
    private static func end(of place: HistoryPlace) -> HistoryID {
        if case .after(let id) = place { id } else { .zero }
    }

    private func goLive(_ state: inout State, since id: HistoryID) {
        state.phase = .live
        state.seen = id
        let held = state.held
        state.held = []
        Self.add(Self.following, to: &state)
        for event in held {
            state.bytes -= event.bytes.readableBytes
            if let place = event.id, place <= id { continue }
            Self.add(event.bytes, to: &state)
            if event.isEnd, state.ending == nil { state.ending = .done }
        }
    }

    // MARK: The hub's side

    /// The channel is confirmed.
    func followed(at moment: UInt64) {
        let waiter = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.epoch = moment
            guard case .waiting(let since) = state.phase, state.ending == nil else { return nil }
            if let since {
                state.phase = .reading(since)
            } else {
                state.phase = .live
                Self.add(Self.following, to: &state)
            }
            return Self.wake(&state)
        }
        waiter?.resume()
    }

    /// Redis is away. `last` is the last message that came on the channel.
    func lost(last: HistoryID?) {
        self.state.withLock { state in
            switch state.phase {
            case .waiting: break
            case .reading(let place): state.phase = .waiting(place)
            case .live: state.phase = .waiting([state.seen, last].compactMap { $0 }.max().map { .after($0) })
            }
        }
    }

    /// A message has come. False: too much waits for the browser already, and the stream is ended.
    func offer(_ event: RenderedEvent) -> Bool {
        let (waiter, isSlow) = self.state.withLock { state -> (CheckedContinuation<Void, Never>?, Bool) in
            guard state.ending == nil else { return (nil, false) }
            if let id = event.id, let seen = state.seen, case .live = state.phase, id <= seen { return (nil, false) }
            let waiting = state.ready.count + state.held.count
            let isTooMuch = state.bytes + event.bytes.readableBytes > self.limits.waitingBytes && waiting > 0
            if isTooMuch || waiting >= self.limits.waitingEvents {
                return (Self.stop(&state, .slow), true)
            }
            switch state.phase {
            case .live:
                Self.add(event.bytes, to: &state)
                if event.isEnd { state.ending = .done }
                return (Self.wake(&state), false)
            case .reading, .waiting:
                state.held.append(event)
                state.bytes += event.bytes.readableBytes
                return (nil, false)
            }
        }
        waiter?.resume()
        self.count(begins: false)
        // Its task may be in the middle of a write that the browser never takes: only the connection's end ends that.
        if isSlow { self.connection?.close(promise: nil) }
        return !isSlow
    }

    /// Counts what waits for a slow browser. Not under the lock: it may cut a connection, this one or another.
    ///
    /// - Parameter begins: whether it is slow, even if it was not before. Most take what comes at once, and are never counted.
    private func count(begins: Bool) {
        guard let waiting else { return }
        let change = self.state.withLock { state in
            guard begins || state.counted > 0 else { return 0 }
            defer { state.counted = state.bytes }
            return state.bytes - state.counted
        }
        if change != 0 { waiting.add(change) }
    }

    /// A comment, for a stream on which nothing happens. A browser that still has not taken what came before is slow.
    func beat(_ comment: ByteBuffer) {
        let waiter = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            // Who is not waiting for anything is writing: there is no need, and what is not taken must not pile up.
            guard state.waiter != nil, state.ending == nil else { return nil }
            Self.add(comment, to: &state)
            return Self.wake(&state)
        }
        if let waiter { waiter.resume() } else { self.count(begins: true) }
    }

    /// Ends the stream. The first reason counts, but that a browser which goes away need not take the rest.
    func end(_ ending: Ending) {
        let waiter = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            if case .done = ending, state.ending != nil { return nil }
            return Self.stop(&state, ending)
        }
        waiter?.resume()
    }

    /// Closes the connection: the last means for a browser that takes nothing.
    func sever() {
        self.end(.gone)
        self.connection?.close(promise: nil)
    }

    private static func stop(_ state: inout State, _ ending: Ending) -> CheckedContinuation<Void, Never>? {
        if case .done = ending {} else { state.ready = [] }
        state.held = []
        state.ending = ending
        return self.wake(&state)
    }

    private static func add(_ bytes: ByteBuffer, to state: inout State) {
        state.ready.append(bytes)
        state.bytes += bytes.readableBytes
    }

    private static func wake(_ state: inout State) -> CheckedContinuation<Void, Never>? {
        defer { state.waiter = nil }
        return state.waiter
    }
}
