// A route as people write it on the command line. Before it: --route. After it: a Route, checked when the job is pushed.

import ArgumentParser
import Tempest

/// `a,b@queue,[c@q1,d@q2:low],e`: steps with their queues and levels, those in brackets at once. An action that has one of `,@:[]` in its name
/// cannot be written so.
enum RouteText {
    static let help: ArgumentHelp =
        "What is done with the answer: actions with queues and levels, such as a,b@queue,[c@q1,d@q2:low],e."

    /// No steps for nil. Throws `ValidationError` for what is no route.
    static func route(_ text: String?) throws -> Route {
        guard let text else { return [] }
        var steps: [RouteStep] = []
        var rest = text[...]
        while true {
            if rest.first == "[" {
                guard let end = rest.firstIndex(of: "]") else { throw trouble("a [ without its ]") }
                let inner = rest[rest.index(after: rest.startIndex)..<end]
                steps.append(.all(try inner.split(separator: ",", omittingEmptySubsequences: false).map(step)))
                rest = rest[rest.index(after: end)...]
                guard rest.isEmpty || rest.first == "," else { throw trouble("a comma is missing after ]") }
            } else {
                let end = rest.firstIndex(of: ",") ?? rest.endIndex
                steps.append(try step(rest[..<end]))
                rest = rest[end...]
            }
            guard rest.first == "," else { break }
            rest = rest.dropFirst()
        }
        let route = Route(steps)
        do { try route.check() } catch { throw trouble("\(error)") }
        return route
    }

    private static func step(_ text: Substring) throws -> RouteStep {
        guard !text.contains(where: { "[]".contains($0) }) else { throw trouble("brackets in \(text.debugDescription)") }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count <= 2, !parts[0].isEmpty else { throw trouble("\(text.debugDescription) is no action@queue:level") }
        guard parts.count == 2 else { return .step(String(parts[0])) }
        let place = parts[1].split(separator: ":", omittingEmptySubsequences: false)
        guard place.count <= 2 else { throw trouble("\(text.debugDescription) is no action@queue:level") }
        let level: Level
        do { level = place.count == 2 ? try Level(String(place[1])) : .default } catch { throw trouble("\(error)") }
        return .step(String(parts[0]), queue: place[0].isEmpty ? nil : String(place[0]), level: level)
    }

    private static func trouble(_ what: String) -> ValidationError { ValidationError("--route: \(what)") }
}
