// A browser's session as a handler sees it: the hash that `meta.session` of its job names (protocol/http.md, "Sessions"). The
// front gave the id along with the job, and gives the cookie after it; the fields are the workers'.

import TempestCodecs
import TempestProtocol
import TempestRedis

/// The session of the browser that a job comes from: fields that last from one request to the next, whichever worker serves it.
///
/// ```swift
/// worker.handle("url") { (context: JobContext, request: Page) in
///     guard let session = context.session else { return Answer(400) }
///     let visits = (try await session.get("visits", as: Int.self) ?? 0) + 1
///     try await session.set("visits", to: visits)
///     return Answer(200, "visit \(visits)")
/// }
/// ```
///
/// Each field is one value, in Redis the JSON of an array of that value in the hash `session:<id>`, as the workers of all
/// languages write it. A handler reaches the session of its own job and no other. The first field that is set makes the session
/// of a new visitor; set it before the answer, for with the answer goes the cookie. A session lasts as long as the front says;
/// one that no front has looked after yet, 14 days.
///
/// Everything here throws ``RedisError`` when Redis cannot be reached or refuses, and ``SessionError`` for names and values.
public struct JobSession: Sendable {
    let id: RandomToken
    let redis: RedisClient

    /// How long a session lasts that no front has looked after: 14 days, in seconds.
    static let seconds = 14 * 24 * 60 * 60
    static let longestName = 255

    /// The value of a field; nil if there is no such field, or it holds null.
    ///
    /// - Parameter type: what it is to be read as; ``Value`` takes anything.
    public func get<T: Decodable>(_ field: String, as type: T.Type = T.self) async throws -> T? {
        let reply = try await redis.execute(["HGET", .text(key), .text(try Self.checked(field))])
        guard let bytes = reply.bytes else { return nil }
        _ = try Self.value(bytes, of: field)
        do {
            return try JSONCodec().decode([T?].self, from: bytes).first ?? nil
        } catch {
            throw SessionError(.type, "the field \(field.debugDescription) of the session is no \(type): \(error)")
        }
    }

    /// Sets a field. Two handlers that set the same one at once: the last wins; fields of other names are not touched.
    public func set(_ field: String, to value: some Encodable) async throws {
        let bytes = try JSONCodec().encode(encoding: [value])
        // One transaction: no session may stay for ever because its worker died between the two.
        let replies = try await redis.execute([
            ["MULTI"], ["HSET", .text(key), .text(try Self.checked(field)), .bytes(bytes)],
            ["EXPIRE", .text(key), .integer(Int64(Self.seconds)), "NX"], ["EXEC"],
        ])
        // The reason is with the command that was refused, the last one only says that there was one.
        for reply in replies {
            for case .error(let text) in try reply.get().array ?? [] {
                throw RedisError(.reply, "Redis did not set the session's field: \(text)", reply: text)
            }
        }
    }

    /// Takes fields away; those that are not there are no error. A session without fields is no session: the browser is a new
    /// visitor at its next request.
    public func remove(_ fields: String...) async throws {
        guard !fields.isEmpty else { return }
        _ = try await redis.execute(RedisCommand(["HDEL", .text(key)] + fields.map { .text(try Self.checked($0)) }))
    }

    /// All fields. Throws ``SessionError/Code/content`` if one of them was not written as fields are.
    public func all() async throws -> [String: Value] {
        let words = try await redis.execute(["HGETALL", .text(key)]).array ?? []
        var fields: [String: Value] = [:]
        for index in stride(from: 0, to: words.count - 1, by: 2) {
            guard let name = words[index].string, let bytes = words[index + 1].bytes else { continue }
            fields[name] = try Self.value(bytes, of: name)
        }
        return fields
    }

    private var key: String { Self.key(id) }

    /// The key of a session's hash.
    package static func key(_ id: RandomToken) -> String { "session:\(id.text)" }

    /// What a field's bytes hold: the one element of an array. Throws ``SessionError/Code/content``.
    package static func value(_ bytes: [UInt8], of field: String) throws(SessionError) -> Value {
        guard let value = try? JSONCodec().value(bytes, limits: .standard), case .array(let elements) = value, elements.count == 1
        else {
            throw SessionError(
                .content, "the field \(field.debugDescription) of the session is not the JSON of an array of one value")
        }
        return elements[0]
    }

    private static func checked(_ field: String) throws(SessionError) -> String {
        guard (1...longestName).contains(field.utf8.count), field.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw SessionError(
                .name, "the name of a session's field has 1 to \(longestName) bytes and no control characters")
        }
        return field
    }
}

extension JobContext {
    /// The session of the browser that the job comes from; nil if the job comes from no front (`meta.session` is missing, or is
    /// not 43 characters of base64url).
    public var session: JobSession? {
        guard case .text(let text)? = job.meta["session"], let id = RandomToken(text) else { return nil }
        return JobSession(id: id, redis: redis)
    }
}
