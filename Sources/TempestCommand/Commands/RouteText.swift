// The action and the option --route of `call` and `push`. Before it: text. After it: a Route, checked.

import ArgumentParser
import Tempest

enum JobText {
    /// Throws `ValidationError` for what is no action.
    static func check(_ action: String) throws {
        guard (1...255).contains(action.utf8.count), action.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw ValidationError(
                "\(Shown.cut(action.debugDescription, to: 60)) is no action: 1 to 255 bytes without control characters")
        }
    }
}

enum RouteText {
    static let help: ArgumentHelp =
        "What is done with the answer: actions with queues and levels, such as a,b@queue,[c@q1,d@q2:low],e."

    /// No steps for nil. Throws `ValidationError` for what is no route.
    static func route(_ text: String?) throws -> Route {
        guard let text else { return [] }
        do { return try Route(text) } catch { throw ValidationError("--route: \(error)") }
    }
}
