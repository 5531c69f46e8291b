// A route and how many browsers it holds. Between the route table and the requests that it finds a route for.

import Synchronization

final class HeldRoute: Sendable {
    /// Shared with the route of the same pattern that a reload puts in its place.
    private final class Count: Sendable { let value = Atomic(0) }

    let route: FrontRoute
    /// Counts requests by client; nil: they are not limited. A reload that leaves the rate as it is goes on counting.
    let limiter: RateLimiter?
    /// Whether it names a path that would be the front's own.
    let comesFirst: Bool
    private let held: Count

    private static let ownPaths = ["/sub", "/uploads", "/healthz", "/readyz"]

    init(_ route: FrontRoute, previous: HeldRoute? = nil) {
        (self.route, held) = (route, previous?.held ?? Count())
        comesFirst = Self.ownPaths.contains { route.pattern.takesOver($0) }
        let same = previous.flatMap { $0.route.rate == route.rate ? $0.limiter : nil }
        limiter = same ?? route.rate.map { RateLimiter($0) }
    }

    var count: Int { held.value.load(ordering: .relaxed) }

    /// One more waits; false when there is no room for it.
    func enter() -> Bool {
        if held.value.add(1, ordering: .relaxed).newValue <= route.pending { return true }
        leave()
        return false
    }

    func leave() { held.value.subtract(1, ordering: .relaxed) }
}
