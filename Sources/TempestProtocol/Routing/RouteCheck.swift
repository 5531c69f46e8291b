// Whether a route, and what says that a job is one of several at once, are as protocol/routes.md has them. Before it: the meta of a job, or
// a caller's route. After it: a Journey, or the error `bad_route`.

import TempestCodecs

/// Checks the routes of one job, and counts their steps.
struct RouteCheck {
    /// Of the job: it says whether binary may be text.
    let codec: (any Codec)?
    private var left = Route.mostSteps

    init(codec: (any Codec)?) { self.codec = codec }

    mutating func route(_ value: Value, _ place: String, depth: Int) throws(RouteError) -> [Value] {
        guard case .array(let elements) = value else { throw RouteError("\(place): expected array, found \(value.kind)") }
        guard depth <= Route.deepest else { throw RouteError("\(place): routes nest at most \(Route.deepest) deep") }
        for (number, element) in elements.enumerated() {
            let here = "\(place)[\(number)]"
            guard case .array(let steps) = element else {
                try step(element, here, depth)
                continue
            }
            guard !steps.isEmpty else { throw RouteError("\(here): no steps at once") }
            for (index, element) in steps.enumerated() { try step(element, "\(here)[\(index)]", depth) }
        }
        return elements
    }

    private mutating func step(_ value: Value, _ place: String, _ depth: Int) throws(RouteError) {
        guard case .map(let step) = value else { throw RouteError("\(place): expected map, found \(value.kind)") }
        left -= 1
        guard left >= 0 else { throw RouteError("\(place): a job has at most \(Route.mostSteps) steps") }
        guard let action = text(step["action"]), EnvelopeText.isPlain(action, longest: Job.longestAction) else {
            throw RouteError("\(place).action: expected text of 1 to \(Job.longestAction) bytes without control characters")
        }
        if let queue = step["queue"], !queue.isNull, text(queue).flatMap({ try? QueueName($0) }) == nil {
            throw RouteError("\(place).queue: expected the name of a queue")
        }
        if let level = step["level"], !level.isNull, text(level).flatMap({ try? Level($0) }) == nil {
            throw RouteError("\(place).level: expected the name of a level")
        }
        if let route = step["route"] { _ = try self.route(route, "\(place).route", depth: depth + 1) }
    }

    mutating func gather(_ value: Value, _ place: String, depth: Int) throws(RouteError) -> Gather {
        guard case .map(let map) = value else { throw RouteError("\(place): expected map, found \(value.kind)") }
        guard depth <= Route.deepest else { throw RouteError("\(place): gathers nest at most \(Route.deepest) deep") }
        guard let id = text(map["id"]), EnvelopeText.isPlain(id, longest: Job.longestID) else {
            throw RouteError("\(place).id: expected 1 to \(Job.longestID) bytes without control characters")
        }
        guard let queue = text(map["queue"]).flatMap({ try? QueueName($0) }) else {
            throw RouteError("\(place).queue: expected the name of a queue")
        }
        guard case .int(let count)? = map["count"], (1...Int64(Route.mostSteps)).contains(count) else {
            throw RouteError("\(place).count: expected an integer from 1 to \(Route.mostSteps)")
        }
        guard case .int(let index)? = map["index"], (0..<count).contains(index) else {
            throw RouteError("\(place).index: expected an integer from 0 to below count")
        }
        guard let job = map["job_id"].flatMap({ JobID($0, codec) }) else {
            throw RouteError("\(place).job_id: expected a job's id")
        }
        let route = try map["route"].map { value throws(RouteError) in
            try self.route(value, "\(place).route", depth: 1)
        }
        let outer = try map["gather"].map { value throws(RouteError) in
            try gather(value, "\(place).gather", depth: depth + 1)
        }
        return Gather(
            id: id, queue: queue, index: Int(index), count: Int(count), job: job, route: route ?? [], map: map,
            outer: outer.map { [$0] } ?? [])
    }

    private func text(_ value: Value?) -> String? { value?.envelopeText(codec) }
}

extension Value {
    /// Text, or binary that is UTF-8 where the codec says that senders may mean text by it.
    func envelopeText(_ codec: (any Codec)?) -> String? {
        switch self {
        case .text(let text): text
        case .binary(let bytes) where codec?.binaryMayBeText ?? false: String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }
}

extension JobID {
    /// From a value in meta; nil if it is no job id.
    init?(_ value: Value, _ codec: (any Codec)?) {
        switch value {
        case .int(let integer): self = .integer(Int128(integer))
        case .uint(let integer): self = .integer(Int128(integer))
        default:
            guard let text = value.envelopeText(codec), EnvelopeText.isPlain(text, longest: Job.longestID) else { return nil }
            self = .text(text)
        }
    }
}
