// Who is connected to a listening node, and what they cost together. Asked when somebody comes, and told of every command.

import NIOCore
import Synchronization

final class ListenerRegister: Sendable {
    private struct Guest {
        let channel: any Channel
        var heard: NIODeadline
    }

    private struct State {
        var guests: [Int: Guest] = [:]
        var next = 1
        var bytes = 0
        var isClosed = false
    }

    private let limits: ListenerLimits
    private let state = Mutex(State())

    init(limits: ListenerLimits) { self.limits = limits }

    /// The number of a new connection; nil: there is no room, and nobody who could make some.
    func admit(_ channel: any Channel) -> Int? {
        let now = NIODeadline.now()
        let (id, goes) = state.withLock { state -> (Int?, (any Channel)?) in
            guard !state.isClosed else { return (nil, nil) }
            var goes: (any Channel)?
            if state.guests.count >= limits.connections {
                guard let quietest = state.guests.min(by: { $0.value.heard < $1.value.heard }),
                    now - quietest.value.heard >= limits.leastSilence
                else { return (nil, nil) }
                goes = quietest.value.channel
                state.guests[quietest.key] = nil
            }
            defer { state.next += 1 }
            state.guests[state.next] = Guest(channel: channel, heard: now)
            return (state.next, goes)
        }
        goes?.close(promise: nil)
        return id
    }

    func heard(_ id: Int, at time: NIODeadline) { state.withLock { $0.guests[id]?.heard = time } }

    func left(_ id: Int) { state.withLock { $0.guests[id] = nil } }

    /// Counts bytes of unfinished commands; false when there are more of them than may be.
    func count(_ bytes: Int, limit: Int) -> Bool {
        guard bytes != 0 else { return true }
        return state.withLock { state in
            state.bytes += bytes
            return state.bytes <= limit
        }
    }

    var unfinishedBytes: Int { state.withLock { $0.bytes } }
    var connections: Int { state.withLock { $0.guests.count } }

    /// Nobody is admitted any more; the channels of those who are here.
    func close() -> [any Channel] {
        state.withLock { state in
            state.isClosed = true
            return state.guests.values.map(\.channel)
        }
    }
}
