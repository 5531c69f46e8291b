// What a process says that it runs: the note that goes to Redis with its ticks. Before it: a worker's tick. After it: people who look.

import TempestCodecs
import TempestProtocol

/// What a process runs, as it says itself with its ticks: up to a second old, and cut to its first jobs when there are many.
public struct ProcessNote: Sendable, Equatable {
    /// A job that runs.
    public struct Running: Sendable, Equatable {
        /// The job's id.
        public var job: String
        /// Its action.
        public var action: String
        /// The level that it came from.
        public var level: String
        /// When its handler began: milliseconds since 1970 by the node's clock.
        public var started: UInt64
    }

    /// The jobs that it names, at most 1,000.
    public var running: [Running]
    /// How many it runs, those included that it does not name.
    public var count: Int

    /// Reads `{"running": [[job id, action, level, started ms], …], "count": n}`; nil for anything else. Everything in it is hostile.
    package init?(json bytes: [UInt8]) {
        let limits = Limits(depth: 8, values: 20_000, bytes: 1 << 20)
        guard let map = try? JSONCodec().value(bytes, limits: limits).asMap, let jobs = map["running"]?.asArray else {
            return nil
        }
        running = []
        for job in jobs.prefix(1000) {
            guard let id = job[0].flatMap(Self.id), let action = job[1]?.asText, let level = job[2]?.asText,
                let started = job[3]?.asUInt, started <= 1 << 53,
                EnvelopeText.isPlain(action, longest: Job.longestAction), EnvelopeText.isPlain(level, longest: 128)
            else { return nil }
            running.append(Running(job: id, action: action, level: level, started: started))
        }
        count = jobs.count
        if let said = map["count"] {
            guard let said = said.asInt, (0...1_000_000_000).contains(said) else { return nil }
            count = max(count, Int(said))
        }
    }

    private static func id(_ value: Value) -> String? {
        if let integer = value.asInt { return String(integer) }
        if let integer = value.asUInt { return String(integer) }
        guard let text = value.asText, EnvelopeText.isPlain(text, longest: Job.longestID) else { return nil }
        return text
    }
}
