// The events of one connection, one after the other. Before it: SocketDoor and SocketHandler, which say what happens. After it: a
// SocketLine. It outlives its connection until the last event has been sent.

import Synchronization
import TempestCodecs

/// Holds back each event of a connection until the one before has its last answer.
final class SocketDialogue: Sendable {
    /// What the connection hears.
    enum Note: Sendable {
        case frames([SocketFrame])
        /// One more event has been answered.
        case answered
        case failed(SocketFailure)
    }

    private struct State {
        var line: (any SocketLine)?
        var waiting: [SocketEvent] = []
        var isBusy = false
        var hasEnded = false
        var listener: (@Sendable (Note) -> Void)?
        /// What came before anybody listened.
        var early: [Note] = []
    }

    private let state = Mutex(State())

    init(_ route: SocketRoute, meta: ValueMap, backend: some SocketBackend) {
        // The two keep each other until the end has been sent, whatever becomes of the connection.
        let line = backend.line(for: route, meta: meta) { self.hear($0) }
        state.withLock { $0.line = line }
    }

    /// Sends an event when it is its turn.
    func send(_ event: SocketEvent) {
        let line = state.withLock { state -> (any SocketLine)? in
            guard !state.hasEnded else { return nil }
            if case .close = event { state.hasEnded = true }
            guard !state.isBusy else {
                state.waiting.append(event)
                return nil
            }
            state.isBusy = true
            return state.line
        }
        line?.send(event)
        over(after: event)
    }

    /// Nobody listens any more: what waits is still sent, and then the end.
    func end(_ code: CloseCode, _ reason: String) {
        state.withLock { ($0.listener, $0.early) = (nil, []) }
        send(.close(code, reason))
    }

    /// Nothing more is sent: workers have refused the connection.
    func forget() {
        state.withLock { ($0.listener, $0.line, $0.early, $0.waiting, $0.hasEnded) = (nil, nil, [], [], true) }
    }

    /// From now on `listener` hears of everything, on any thread, and at once of what has come already.
    func listen(_ listener: @escaping @Sendable (Note) -> Void) {
        let early = state.withLock { state in
            state.listener = listener
            defer { state.early = [] }
            return state.early
        }
        for note in early { listener(note) }
    }

    private func hear(_ reply: SocketReply) {
        switch reply {
        case .told(let frames): tell(.frames(frames))
        case .frames(let frames, let isLast):
            if !frames.isEmpty { tell(.frames(frames)) }
            if isLast { answered(.answered) }
        case .failed(let reason): answered(.failed(reason))
        }
    }

    private func answered(_ note: Note) {
        let (line, event) = state.withLock { state -> ((any SocketLine)?, SocketEvent?) in
            guard !state.waiting.isEmpty else {
                state.isBusy = false
                return (nil, nil)
            }
            return (state.line, state.waiting.removeFirst())
        }
        tell(note)
        if let event {
            line?.send(event)
            over(after: event)
        }
    }

    private func over(after event: SocketEvent) {
        guard case .close = event else { return }
        state.withLock { if $0.waiting.isEmpty { $0.line = nil } }
    }

    private func tell(_ note: Note) {
        let listener = state.withLock { state in
            if state.listener == nil, !state.hasEnded { state.early.append(note) }
            return state.listener
        }
        listener?(note)
    }
}
