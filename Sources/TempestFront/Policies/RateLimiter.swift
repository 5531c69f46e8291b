// Counts a route's requests by client, in a bounded table.

import Synchronization

/// The generic cell rate algorithm: for each client one number, the time by which what it has sent will have been its due.
final class RateLimiter: Sendable {
    private let limit: RateLimit
    private let most: Int
    private let due = Mutex<[ClientNetwork: Int64]>([:])

    /// - Parameter most: how many clients are remembered. When more are active those are forgotten whose turn would come first.
    init(_ limit: RateLimit, most: Int = 100_000) { (self.limit, self.most) = (limit, most) }

    /// Counts a request at `now`, in nanoseconds of a monotonic clock; nil: it may go on; else after how many seconds it may come again.
    ///
    /// A client without an address, behind a unix socket that is not said to be a trusted proxy, is not limited.
    func admit(_ address: String?, now: Int64) -> Int? {
        guard let client = ClientNetwork(address) else { return nil }
        let tolerance = limit.interval * Int64(limit.burst - 1)
        return due.withLock { due in
            let next = max(due[client] ?? now, now)
            guard next - now <= tolerance else {
                return Int((next - now - tolerance + 999_999_999) / 1_000_000_000)
            }
            if due.count >= most, due[client] == nil { Self.forget(&due, now) }
            due[client] = next + limit.interval
            return nil
        }
    }

    var count: Int { due.withLock { $0.count } }

    /// Those who have nothing on their account; if that is nobody, the half that has the least.
    private static func forget(_ due: inout [ClientNetwork: Int64], _ now: Int64) {
        let before = due.count
        due = due.filter { $0.value > now }
        guard due.count > before * 3 / 4 else { return }
        let median = due.values.sorted()[due.count / 2]
        due = due.filter { $0.value > median }
    }
}
