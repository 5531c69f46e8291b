// The option --route of `call` and `push`. Before it: text. After it: a Route, checked.

import ArgumentParser
import Tempest

enum RouteText {
    static let help: ArgumentHelp =
        "What is done with the answer: actions with queues and levels, such as a,b@queue,[c@q1,d@q2:low],e."

    /// No steps for nil. Throws `ValidationError` for what is no route.
    static func route(_ text: String?) throws -> Route {
        guard let text else { return [] }
        do { return try Route(text) } catch { throw ValidationError("--route: \(error)") }
    }
}
