// What time it is by Redis' clock, which is the only one that deadlines and delays are measured with. Fed by ticks and by TIME; between
// them this process's monotonic clock goes on, so that a step of the wall clock here changes nothing.

import NIOCore
import Synchronization
import TempestRedis

final class ServerClock: Sendable {
    private let last = Mutex((milliseconds: Int64, heard: NIODeadline)?.none)

    /// Redis said this between `sent` and now.
    func note(_ milliseconds: Int64, sent: NIODeadline) {
        let heard = NIODeadline.now()
        let middle = sent + .nanoseconds((heard - sent).nanoseconds / 2)
        last.withLock { $0 = (milliseconds, middle) }
    }

    /// Milliseconds since 1970; nil before Redis has said it once.
    var now: Int64? {
        last.withLock { last in last.map { $0.milliseconds + (NIODeadline.now() - $0.heard).nanoseconds / 1_000_000 } }
    }

    /// How old the last word is; nil before the first.
    var age: TimeAmount? { last.withLock { last in last.map { NIODeadline.now() - $0.heard } } }

    /// Asks Redis.
    func ask(_ connection: RedisConnection) -> EventLoopFuture<Void> {
        let sent = NIODeadline.now()
        return connection.send(["TIME"]).map { reply in
            guard let parts = reply.array, parts.count == 2, let seconds = parts[0].string.flatMap({ Int64($0) }),
                let micros = parts[1].string.flatMap({ Int64($0) })
            else { return }
            self.note(seconds * 1000 + micros / 1000, sent: sent)
        }
        .flatMapErrorThrowing { error in
            // Who may not ask does without deadlines.
            guard (error as? RedisError)?.reply != nil else { throw error }
        }
    }
}
