// A route and how many browsers it holds. Between the route table and the requests that it finds a route for.

import Synchronization

final class HeldRoute: Sendable {
    let route: FrontRoute
    /// Counts requests by client; nil: they are not limited.
    let limiter: RateLimiter?
    private let held = Atomic(0)

    init(_ route: FrontRoute) { (self.route, limiter) = (route, route.rate.map { RateLimiter($0) }) }

    var count: Int { held.load(ordering: .relaxed) }

    /// One more waits; false when there is no room for it.
    func enter() -> Bool {
        if held.add(1, ordering: .relaxed).newValue <= route.pending { return true }
        leave()
        return false
    }

    func leave() { held.subtract(1, ordering: .relaxed) }
}
