// A route as people write it, on a command line or in a front's file. Before it: text. After it: a Route.

extension Route {
    /// From `a,b@queue,[c@q1,d@q2:low],e`: steps with their queues and levels, those in brackets at once. An action that has one of
    /// `,@:[]` in its name cannot be written so.
    ///
    /// Throws ``RouteError`` for what is no route.
    public init(_ text: String) throws(RouteError) {
        var steps: [RouteStep] = []
        var rest = text[...]
        while true {
            if rest.first == "[" {
                guard let end = rest.firstIndex(of: "]") else { throw RouteError("a [ without its ]") }
                var inner: [RouteStep] = []
                for step in rest[rest.index(after: rest.startIndex)..<end].split(separator: ",", omittingEmptySubsequences: false)
                {
                    inner.append(try Self.step(step))
                }
                steps.append(.all(inner))
                rest = rest[rest.index(after: end)...]
                guard rest.isEmpty || rest.first == "," else { throw RouteError("a comma is missing after ]") }
            } else {
                let end = rest.firstIndex(of: ",") ?? rest.endIndex
                steps.append(try Self.step(rest[..<end]))
                rest = rest[end...]
            }
            guard rest.first == "," else { break }
            rest = rest.dropFirst()
        }
        self.init(steps)
        try check()
    }

    private static func step(_ text: Substring) throws(RouteError) -> RouteStep {
        guard !text.contains(where: { $0 == "[" || $0 == "]" }) else { throw RouteError("brackets in \(text.debugDescription)") }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count <= 2, !parts[0].isEmpty else { throw RouteError("\(text.debugDescription) is no action@queue:level") }
        guard parts.count == 2 else { return .step(String(parts[0])) }
        let place = parts[1].split(separator: ":", omittingEmptySubsequences: false)
        guard place.count <= 2 else { throw RouteError("\(text.debugDescription) is no action@queue:level") }
        let level: Level
        do { level = place.count == 2 ? try Level(String(place[1])) : .default } catch { throw RouteError("\(error)") }
        return .step(String(parts[0]), queue: place[0].isEmpty ? nil : String(place[0]), level: level)
    }
}
