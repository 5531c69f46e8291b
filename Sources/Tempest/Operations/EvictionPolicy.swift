// Whether a Redis throws keys away when it is full: then jobs vanish that it has acknowledged. Workers ask when they start, and
// `tempest queues` each time.

import TempestRedis

/// What a Redis does when it has used up its `maxmemory`.
struct EvictionPolicy: Sendable, Hashable {
    /// As its setting `maxmemory-policy` has it.
    let name: String
    /// Bytes; 0: there is no bound.
    let maxMemory: Int

    /// From the reply to `INFO memory`; nil if it is none.
    init?(_ info: RedisReply) {
        var fields: [Substring: Substring] = [:]
        for line in (info.string ?? "").split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon]] = line[line.index(after: colon)...]
        }
        guard let name = fields["maxmemory_policy"], let bytes = fields["maxmemory"].flatMap({ Int($0) }) else { return nil }
        (self.name, maxMemory) = (String(name), bytes)
    }

    /// What to say of it; nil: it keeps jobs. (`volatile-…` takes keys that expire, and jobs do not.)
    var warning: String? {
        guard maxMemory > 0, name.hasPrefix("allkeys-") else { return nil }
        return "this Redis throws jobs away when it is full: its maxmemory-policy is \(name); set it to noeviction"
    }
}

extension TempestClient {
    /// What is wrong with the way in which Redis makes room when it is full: jobs would vanish that it has acknowledged. nil: nothing, or this
    /// user may not ask for `INFO`.
    public func evictionWarning() async throws -> String? {
        do {
            return EvictionPolicy(try await redis.execute(["INFO", "memory"]))?.warning
        } catch let error where error.code == .permission {
            return nil
        }
    }
}
