// What a worker says of itself in `tempest:nodes`, so that people find it. Before it: a worker that registered, or the hash's bytes.
// After it: client.nodes(), which joins it with the processes that are registered.

import TempestCodecs
import TempestProtocol

/// A node: a program that serves queues. It writes its record when it starts and whenever its state changes, and deletes it at its end.
///
/// Read from Redis it is hostile: its texts are bounded and without control characters, and nothing in it is believed that the
/// registration of a process does not say too.
public struct NodeRecord: Sendable, Equatable {
    /// What a node does.
    public enum State: String, Sendable, CaseIterable {
        /// It takes jobs.
        case running
        /// It takes no new ones; what it runs goes on.
        case quiet
        /// It is about to end: what it runs has the grace time.
        case stopping
    }

    /// The field of the record in `tempest:nodes`; unlike any other node's. 1 to 128 of `A-Z a-z 0-9 _ . -`.
    public var id: String
    /// For people; several nodes may bear it. 1 to 128 bytes.
    public var name: String
    /// What it is, such as `worker`. At most 64 bytes.
    public var kind: String
    /// The language that it is written in, such as `swift`. At most 64 bytes.
    public var language: String
    /// The version of its library. At most 64 bytes.
    public var version: String
    /// The machine. At most 255 bytes.
    public var host: String
    /// The process there.
    public var pid: Int
    /// When it started: milliseconds since 1970 by its own clock.
    public var started: UInt64
    /// Jobs that it runs at the same time, at most.
    public var concurrency: Int
    /// The queues that it serves, and the name (P) of its process on each: those differ with every incarnation. At most 1,000.
    public var queues: [String: String]
    /// What it does.
    public var state: State

    package init(
        id: String, name: String, kind: String, language: String, version: String, host: String, pid: Int, started: UInt64,
        concurrency: Int, queues: [String: String], state: State
    ) {
        // A name that its program chose freely, or an odd host name, must not make a record that nobody reads.
        (self.id, self.name, self.kind) = (id, Self.plain(name, longest: 128), Self.plain(kind, longest: 64))
        (self.language, self.version) = (Self.plain(language, longest: 64), Self.plain(version, longest: 64))
        (self.host, self.pid, self.started) = (Self.plain(host, longest: 255), pid, started)
        (self.concurrency, self.queues, self.state) = (concurrency, queues, state)
    }

    /// Text as a record may hold it: without control characters, cut to so many bytes.
    private static func plain(_ text: String, longest: Int) -> String {
        var plain = ""
        for scalar in text.unicodeScalars where scalar.value >= 0x20 && scalar.value != 0x7F {
            guard plain.utf8.count + UTF8.width(scalar) <= longest else { break }
            plain.unicodeScalars.append(scalar)
        }
        return plain
    }

    /// The record as it stands in Redis: one line of JSON, its queues sorted.
    package var json: [UInt8] {
        let sorted = queues.sorted { $0.key < $1.key }.map { ($0.key, Value.text($0.value)) }
        let value: Value = [
            "id": .text(id), "name": .text(name), "kind": .text(kind), "language": .text(language), "version": .text(version),
            "host": .text(host), "pid": .int(Int64(pid)), "started": Value(started), "concurrency": .int(Int64(concurrency)),
            "queues": .map(ValueMap(sorted)), "state": .text(state.rawValue),
        ]
        // JSON has a form for text, integers and maps of them: this cannot fail.
        return (try? JSONCodec().encode(value)) ?? []
    }

    /// Reads a record; nil for anything that is none. `field` is the field of `tempest:nodes` that it stands in, and its id: the record
    /// need not say it again, but it must not say another. Fields that nobody knows yet are ignored; all but `queues` may be missing,
    /// as a small worker in another language may leave them out.
    package init?(json bytes: [UInt8], field: String? = nil) {
        guard let map = try? JSONCodec().value(bytes, limits: Self.limits).asMap,
            let id = field ?? map["id"]?.asText, Self.isName(id), map["id"].map({ $0 == .text(id) }) ?? true,
            let queues = map["queues"]?.asMap, queues.count <= Self.mostQueues
        else { return nil }
        func text(_ key: String, longest: Int, otherwise: String = "") -> String? {
            guard let value = map[key], !value.isNull else { return otherwise }
            guard let text = value.asText, text.isEmpty || EnvelopeText.isPlain(text, longest: longest) else { return nil }
            return text
        }
        func number(_ key: String) -> Int? {
            guard let value = map[key], !value.isNull else { return 0 }
            return value.asInt.flatMap { (0...(1 << 53)).contains($0) ? Int($0) : nil }
        }
        guard let name = text("name", longest: 128, otherwise: id), let kind = text("kind", longest: 64),
            let language = text("language", longest: 64), let version = text("version", longest: 64),
            let host = text("host", longest: 255), let pid = number("pid"), let started = number("started"),
            let concurrency = number("concurrency"),
            let state = text("state", longest: 64, otherwise: "running").flatMap({ State(rawValue: $0) })
        else { return nil }
        var processes: [String: String] = [:]
        for (queue, process) in queues {
            guard let name = try? QueueName(queue), let process = process.asText, Self.isName(process) else { return nil }
            processes[name.description] = process
        }
        self.init(
            id: id, name: name.isEmpty ? id : name, kind: kind, language: language, version: version, host: host, pid: pid,
            started: UInt64(started), concurrency: concurrency, queues: processes, state: state)
    }

    private static let limits = Limits(depth: 4, values: 4000, bytes: 1 << 20)
    private static let mostQueues = 1000

    /// Ids of nodes and names of processes have the shape of a queue's name.
    private static func isName(_ text: String) -> Bool { (try? QueueName(text)) != nil }
}
