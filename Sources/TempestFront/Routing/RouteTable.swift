// Which route serves a path: the most exact pattern. Before it: a request. After it: its route's queue.

import Tempest

/// Routes in the order in which they are asked.
struct RouteTable: Sendable {
    private let routes: [HeldRoute]
    /// What is asked when nothing else has served the path.
    let fallback: HeldRoute?

    /// Throws ``FrontConfigurationError`` when two routes have one pattern, or one brings along what its workers cannot follow.
    init(_ routes: [FrontRoute]) throws(FrontConfigurationError) {
        var seen: Set<PathPattern> = []
        for route in routes where !seen.insert(route.pattern).inserted {
            throw FrontConfigurationError("two routes for \(route.pattern)")
        }
        for route in routes where !route.route.steps.isEmpty {
            guard !route.isSocket, !route.isOriginal else {
                let who = route.isSocket ? "a WebSocket has" : "workers of node-tempest follow"
                throw FrontConfigurationError("\(route.pattern): \(who) no `route`; leave it out")
            }
            do { try route.route.check() } catch { throw FrontConfigurationError("\(route.pattern): \(error)") }
        }
        for route in routes { try route.checkSocket() }
        self.routes = routes.filter { !$0.pattern.isEverything }.sorted { PathPattern.isMoreExact($0.pattern, $1.pattern) }
            .map { HeldRoute($0) }
        fallback = routes.first { $0.pattern.isEverything }.map { HeldRoute($0) }
    }

    var all: [HeldRoute] { routes + [fallback].compactMap(\.self) }

    func find(_ path: Substring.UTF8View) -> HeldRoute? { routes.first { $0.route.pattern.matches(path) } }
}
