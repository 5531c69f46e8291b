// Which route serves a path: the most exact pattern. Before it: a request. After it: its route's queue.

import Tempest

/// Routes in the order in which they are asked.
struct RouteTable: Sendable {
    private let routes: [HeldRoute]
    /// What is asked when nothing else has served the path.
    let fallback: HeldRoute?

    /// - Parameter previous: the table before a reload; what its routes hold counts for the new ones.
    /// - Throws: ``FrontConfigurationError`` when two routes have one pattern, or one brings along what its workers cannot follow.
    init(_ routes: [FrontRoute], previous: RouteTable? = nil) throws(FrontConfigurationError) {
        for (place, route) in routes.enumerated() { try Self.check(route, after: routes[..<place]) }
        let earlier = Dictionary((previous?.all ?? []).map { ($0.route.pattern, $0) }) { first, _ in first }
        self.routes = routes.filter { !$0.pattern.isEverything }.sorted { PathPattern.isMoreExact($0.pattern, $1.pattern) }
            .map { HeldRoute($0, previous: earlier[$0.pattern]) }
        fallback = routes.first { $0.pattern.isEverything }.map { HeldRoute($0, previous: earlier[$0.pattern]) }
    }

    /// Whether a route can be one more beside the others.
    static func check(_ route: FrontRoute, after others: some Sequence<FrontRoute>) throws(FrontConfigurationError) {
        guard !others.contains(where: { $0.pattern == route.pattern }) else {
            throw FrontConfigurationError("two routes for \(route.pattern)")
        }
        try route.checkSocket()
        guard !route.route.steps.isEmpty else { return }
        guard !route.isSocket, !route.isOriginal else {
            let who = route.isSocket ? "a WebSocket has" : "workers of node-tempest follow"
            throw FrontConfigurationError("\(route.pattern): \(who) no `route`; leave it out")
        }
        do { try route.route.check() } catch { throw FrontConfigurationError("\(route.pattern): \(error)") }
    }

    var all: [HeldRoute] { routes + [fallback].compactMap(\.self) }

    func find(_ path: Substring.UTF8View) -> HeldRoute? { routes.first { $0.route.pattern.matches(path) } }
}
