// What is to be done with a job's answer besides sending it, as a caller says it (protocol/routes.md). Before it: call or push. After it:
// `meta.route`, which the workers follow.

package import TempestCodecs

/// The steps that follow a job: each gets what the one before it answered, wherever its worker is and whatever it is written in, and the
/// last one's answer is the caller's.
///
/// ```swift
/// let page: String = try await client.call("fetch", "cat.png", route: [
///     .step("resize", queue: "images"),
///     .all([.step("store", queue: "disks"), .step("caption", queue: "models", level: .low)]),
///     .step("page"),  // gets what store and caption answered, in this order
/// ])
/// ```
///
/// The first step that fails ends the route, and its error is the caller's. Every step runs at least once. A route has at most 64 steps in all
/// and is at most 8 deep; that, and its names, are checked when the job is pushed.
public struct Route: Sendable, Hashable, ExpressibleByArrayLiteral {
    /// In the order in which they are done.
    public var steps: [RouteStep]

    public init(_ steps: [RouteStep] = []) { self.steps = steps }
    public init(arrayLiteral steps: RouteStep...) { self.steps = steps }

    package static let mostSteps = 64
    package static let deepest = 8

    /// Throws ``RouteError`` if no worker could follow it.
    public func check() throws(RouteError) { _ = try meta() }

    /// As meta has it; nil for a route without steps. Throws ``RouteError``.
    package func meta() throws(RouteError) -> Value? {
        guard !steps.isEmpty else { return nil }
        let value = self.value
        var check = RouteCheck(codec: nil)
        _ = try check.route(value, "route", depth: 1)
        return value
    }

    /// As meta has it, unchecked.
    package var value: Value { .array(steps.map(\.value)) }
}

/// An element of a ``Route``: an action, or several at once.
public struct RouteStep: Sendable, Hashable {
    private indirect enum Kind: Hashable {
        case step(action: String, queue: String?, level: Level, route: Route)
        case all([RouteStep])
    }

    private var kind: Kind

    /// An action, which is called with what the step before it answered.
    ///
    /// `queue`: nil is the queue of the step before, and after parallel steps that of the step before those. `then` is what follows it before
    /// the steps after it: so one of several steps at once may be a row of steps.
    public static func step(
        _ action: String, queue: String? = nil, level: Level = .default, then route: Route = []
    ) -> RouteStep {
        RouteStep(kind: .step(action: action, queue: queue, level: level, route: route))
    }

    /// Several steps at once, each made by `step`, each called with what the step before them answered. What follows is called with their
    /// answers, one argument each, in the order in which they stand here; where nothing follows the answer is an array of them.
    public static func all(_ steps: [RouteStep]) -> RouteStep { RouteStep(kind: .all(steps)) }

    fileprivate var value: Value {
        switch kind {
        case .all(let steps): return .array(steps.map(\.value))
        case .step(let action, let queue, let level, let route):
            var map: ValueMap = ["action": .text(action)]
            if let queue { map["queue"] = .text(queue) }
            if level != .default { map["level"] = .text(level.description) }
            if !route.steps.isEmpty { map["route"] = route.value }
            return .map(map)
        }
    }
}

/// A route that cannot be followed.
public struct RouteError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The place and what is expected there, such as `route[1][0].queue: expected the name of a queue`.
    public let description: String

    package init(_ description: String) { self.description = description }
}
