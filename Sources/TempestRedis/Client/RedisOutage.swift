// What the log says of a Redis that is away: a line when it is lost, one when it is back, reminders in between; never one a try.
// Told by whoever tries: clients, work loops, beats.

package import Logging
import NIOCore
import Synchronization

/// One outage of one Redis, as all see it who share this object.
package final class RedisOutage: Sendable {
    private struct State {
        /// Who has no connection at present.
        var lost: Set<String> = []
        var since = NIODeadline.now()
        var remindAt = NIODeadline.now()
        var pause = RedisOutage.firstPause
        /// Somebody has to change a setting, and the log has said which.
        var isRefused = false
        /// Until when those who notice late that Redis was away are not taken for another outage, and who they are.
        var lateUntil: NIODeadline?
        var late: Set<String> = []
    }

    /// How long after the first line there is another, and how long the pauses between them, each twice the last, get.
    private static let firstPause = TimeAmount.minutes(1)
    private static let longestPause = TimeAmount.hours(1)
    /// How long after it is back an idle connection may notice that Redis was away.
    private static let lateness = TimeAmount.seconds(10)

    private let logger: Logger
    private let state = Mutex(State())

    package init(_ logger: Logger) { self.logger = logger }

    /// `who` has tried in vain. Called for each try: it is the first, or the first after a while, that is logged.
    package func lost(_ who: String, _ error: any Error) {
        let refusal = (error as? RedisError).map { $0.needsChange && $0.code != .closed } ?? false
        self.lost(who, "\(error)", isRefused: refusal)
    }

    /// - Parameter isRefused: somebody has to change a setting, such as the password: that is said at once, too.
    package func lost(_ who: String, _ why: String, isRefused: Bool = false) {
        let now = NIODeadline.now()
        let line = self.state.withLock { state -> (message: String, away: TimeAmount?)? in
            let isFirst = state.lost.isEmpty
            // Once may be the old outage, seen late; twice is another.
            if isFirst, let until = state.lateUntil, now < until, state.late.insert(who).inserted { return nil }
            state.lost.insert(who)
            if isFirst {
                (state.since, state.pause) = (now, Self.firstPause)
                state.remindAt = now + state.pause
                state.isRefused = isRefused
                return ("cannot use Redis; trying again", nil)
            }
            if isRefused, !state.isRefused {
                state.isRefused = true
                return ("still cannot use Redis; trying again", now - state.since)
            }
            guard now >= state.remindAt else { return nil }
            state.pause = min(state.pause * 2, Self.longestPause)
            state.remindAt = now + state.pause
            return ("still cannot use Redis; trying again", now - state.since)
        }
        guard let line else { return }
        var metadata: Logger.Metadata = ["error": "\(why)"]
        metadata["away_s"] = line.away.map { "\(Self.seconds($0))" }
        self.logger.warning("\(line.message)", metadata: metadata)
    }

    /// `who` has a connection, or is no more.
    package func back(_ who: String) {
        let away = self.state.withLock { state -> TimeAmount? in
            state.late.remove(who)
            guard state.lost.remove(who) != nil, state.lost.isEmpty else { return nil }
            (state.lateUntil, state.late) = (.now() + Self.lateness, [])
            return NIODeadline.now() - state.since
        }
        guard let away else { return }
        self.logger.notice("Redis is back", metadata: ["away_s": "\(Self.seconds(away))"])
    }

    /// `who` ends, and says nothing more of Redis.
    package func forget(_ who: String) { self.state.withLock { _ = $0.lost.remove(who) } }

    private static func seconds(_ time: TimeAmount) -> Double { Double(time.nanoseconds / 100_000_000) / 10 }
}
