// Runs one vector of decisions.json or retries.json against a worker of this process, whose every settle is written down in Redis.

import Logging
import Synchronization
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

/// A private Redis, and what the worker's handlers do at the moment.
struct Decisions {
    /// What this library does beyond what every worker must.
    static let features: Set<String> = [
        "retries", "once", "accept", "deadlines", "timeouts", "cancellation", "unknown actions", "routes",
    ]
    private static let settle = "register('settle', settle, 'allow-oom')"
    /// Writes down what it is called with. What would come back to a level is over instead: no job runs into the next vector.
    private static let writtenDown = """
        register('settle', function(keys, argv)
          redis.call('RPUSH', 'settled', unpack(argv, 2))
          for i = 3, #argv, 4 do
            if string.match(argv[i], '^%l+ ') and not string.match(argv[i], '^dead ') and not string.match(argv[i], '^cancelled ') then
              argv[i], argv[i + 1], argv[i + 2] = 'done', '', ''
            end
          end
          return settle(keys, argv)
        end, 'allow-oom')
        """

    let redis: RedisClient
    let configuration: RedisConfiguration
    let handler = VectorHandler()

    /// Loads the functions, with a settle that writes down its calls.
    func load() async throws {
        let parts = String(decoding: FunctionLibrary.source, as: UTF8.self).split(
            separator: Self.settle, omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw VectorFile.Missing(what: "\(Self.settle) in tempest.lua") }
        _ = try await redis.execute(["FUNCTION", "LOAD", "REPLACE", .init("\(parts[0])\(Self.writtenDown)\(parts[1])")])
    }

    /// A worker with the settings of a vector.
    func worker(_ settings: Value) throws -> Worker {
        var options = WorkerOptions()
        options.concurrency = 1
        options.unknownPatience = .milliseconds(settings["patience"]?.asInt ?? 0)
        var logger = Logger(label: "vectors")
        logger.logLevel = .critical
        let worker = try Worker(queues: ["q"], redis: configuration, options: options, logger: logger)
        var retry = RetryPolicy()
        retry.attempts = settings["attempts"]?.asInt.map { Int($0) }
        if let delays = settings["backoff"], let first = delays[0]?.asInt, let longest = delays[1]?.asInt {
            (retry.first, retry.longest) = (.milliseconds(first), .milliseconds(longest))
        }
        let timeout = settings["timeout"]?.asInt.map { Duration.milliseconds($0) }
        worker.handle(dynamic: "act", retry: retry, timeout: timeout) { [handler] context in try await handler.act(context) }
        worker.handle("one", retry: retry, timeout: timeout) { (_: JobContext, argument: Argument) in argument }
        worker.handle("nothing", retry: retry, timeout: timeout) { (_: JobContext) in }
        return worker
    }

    func run(_ vector: Value) async throws {
        let (name, then) = (vector.name, vector["then"] ?? .null)
        #expect(Self.features.isSuperset(of: (vector["needs"]?.asArray ?? []).compactMap(\.asText)), "\(name)")
        handler.behave(vector["handler"])
        let job = try await timed((vector["job"] ?? .null).bytes)
        if vector["before"] == "cancelled" { try await cancel(job) }
        _ = try await redis.execute(["RPUSH", "q", .init(job)])
        if vector["during"] == "cancelled" {
            try await eventually("\(name): its handler is called") { handler.calls > 0 }
            try await cancel(job)
        }
        try await eventually(within: .seconds(60), "\(name): settled") {
            try await redis.execute(["LLEN", "settled"]).integer ?? 0 > 0
        }
        let words = try await list("settled")
        // A list for each inbox and each level; the worker's own have an exclamation mark.
        var lists: [String: [[UInt8]]] = [:]
        for key in (try await redis.execute(["KEYS", "*"]).array ?? []).compactMap(\.string)
        where !key.contains("!") && !key.contains("tempest:") && key != "settled" {
            lists[key] = try await list(key)
        }
        let keys = ["settled", "{q}:!cancelled", "{q}:!dead"] + lists.keys
        _ = try await redis.execute(RedisCommand(["DEL"] + keys.map { .init($0) }))

        guard words.count == 4 else { throw VectorFile.Missing(what: "a single settle, not \(words.count) words") }
        expectOutcome(String(decoding: words[1], as: UTF8.self), then, name)
        #expect(String(decoding: words[2], as: UTF8.self) == then["inbox"]?.asText ?? "", "\(name): inbox")
        let answer = try expected(then["answer"], words[3])
        #expect(answer == words[3], "\(name): answer: \(String(decoding: words[3], as: UTF8.self))")
        var pushes = then["pushes"]?.asMap ?? [:]
        if let inbox = then["inbox"]?.asText { pushes["{q}:in:\(inbox)"] = .array([then["answer"] ?? .null]) }
        #expect(Set(lists.keys) == Set(pushes.map { $0.key }), "\(name): pushes")
        for (key, bytes) in pushes {
            let (wanted, found) = (bytes.asArray ?? [], lists[key] ?? [])
            #expect(wanted.count == found.count, "\(name): \(key)")
            for (spec, each) in zip(wanted, found) {
                #expect(try expected(spec, each) == each, "\(name): \(key): \(String(decoding: each, as: UTF8.self))")
            }
        }
        #expect(handler.calls == (vector["handler"] == nil ? 0 : 1), "\(name): calls of the handler")
    }

    private func expectOutcome(_ found: String, _ then: Value, _ name: String) {
        let wanted = then["outcome"]?.asText ?? ""
        if wanted.hasSuffix("*") {
            let (head, rest) = (wanted.dropLast(), found.dropFirst(wanted.count - 1))
            let isLine = rest.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
            #expect(
                found.hasPrefix(head) && isLine && (1...500).contains(rest.unicodeScalars.count),
                "\(name): \(found), not \(wanted)")
            return
        }
        guard let range = then["ms"], let least = range[0]?.asInt, let most = range[1]?.asInt else {
            #expect(found == wanted, "\(name)")
            return
        }
        let number = found.split(separator: " ").dropFirst().first.flatMap { Int64($0) } ?? -1
        #expect(found == wanted.replacing("#", with: "\(number)"), "\(name)")
        #expect((least...most).contains(number), "\(name): \(found)")
    }

    private func list(_ key: String) async throws -> [[UInt8]] {
        (try await redis.execute(["LRANGE", .init(key), "0", "-1"]).array ?? []).map { $0.bytes ?? [] }
    }

    /// The bytes, with `<now+5000>` as the time that is five seconds away by Redis' clock.
    private func timed(_ job: [UInt8]) async throws -> [UInt8] {
        guard let text = String(validating: job, as: UTF8.self), let match = text.firstMatch(of: /<now\+([0-9]+)>/) else {
            return job
        }
        let time = (try await redis.execute(["TIME"]).array ?? []).compactMap(\.integer)
        let now = time[0] * 1000 + time[1] / 1000
        return Array(text.replacing(match.0, with: "\(now + (Int64(match.1) ?? 0))").utf8)
    }

    private func cancel(_ job: [UInt8]) async throws {
        let id = try Job(job, codecs: .standard, limits: .standard).id
        _ = try await redis.execute(.fcall("tempest1_cancel", key: "q", [.init("\(id)"), "60000"]))
    }

    /// The bytes that are expected: as they are, or those of a value in which `{"any": true}` stands for what was found there.
    private func expected(_ spec: Value?, _ found: [UInt8]) throws -> [UInt8] {
        guard let spec, !spec.isNull else { return [] }
        guard let name = spec["codec"]?.asText, let codec = CodecSet.standard.named(name) else { return spec.bytes }
        let value = CodecSet.standard.detect(found)?.name == name ? try codec.value(found) : .null
        return try codec.encode(filled(spec["value"] ?? .null, value))
    }

    private func filled(_ tagged: Value, _ found: Value) -> Value {
        if tagged == ["any": true] { return found }
        if let wanted = tagged["array"]?.asArray {
            return .array(wanted.enumerated().map { filled($1, found[$0] ?? .null) })
        }
        if let wanted = tagged["map"]?.asArray {
            return .map(
                ValueMap(
                    wanted.map { member in
                        let key = member[0]?.asText ?? ""
                        return (key, filled(member[1] ?? .null, found[key] ?? .null))
                    }))
        }
        return tagged.untagged
    }
}

/// Any value. `Value` itself may be missing, as whatever can be nil.
private struct Argument: Codable {
    let value: Value

    init(from decoder: any Decoder) throws { value = try Value(from: decoder) }

    func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}

/// What the handler of the action `act` does, and how often it was called.
final class VectorHandler: Sendable {
    private let state = Mutex<(behavior: Value, calls: Int)>((.null, 0))

    var calls: Int { state.withLock { $0.calls } }

    func behave(_ behavior: Value?) { state.withLock { $0 = (behavior ?? .null, 0) } }

    func act(_ context: JobContext) async throws -> Value {
        let behavior = state.withLock { state in
            state.calls += 1
            return state.behavior
        }
        if let value = behavior["returns"] { return value.untagged }
        if let error = behavior["error"] {
            throw HandlerError(
                code: error["code"]?.asText ?? "", message: error["message"]?.asText ?? "", details: error["details"]?.untagged)
        }
        if let text = behavior["raises"]?.asText { throw Unexpected(text: text) }
        if let delay = behavior["retry"] {
            throw context.retry(after: delay.asInt.map { .milliseconds($0) }, because: behavior["message"]?.asText ?? "")
        }
        try await Task.sleep(for: .seconds(600))
        return .null
    }

    private struct Unexpected: Error { var text: String }
}
