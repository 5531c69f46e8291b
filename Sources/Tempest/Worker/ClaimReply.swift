// What claim and adopt return: `[[closed…], level, first, [payload…], …]` (protocol/tempest.lua). After it: a run per payload.

import TempestProtocol
import TempestRedis

struct ClaimReply {
    var jobs: [ClaimedJob] = []
    /// Paused levels, on which nobody parks.
    var paused: Set<Level> = []
    /// Levels whose key is no list.
    var broken: Set<Level> = []
    /// There are cancelled jobs in the queue: each of these may be one.
    var hasCancelled = false
    /// Bytes of the payloads: a claim stops at `FunctionLibrary.moveBytes`, and then there may be more.
    var bytes = 0

    init(_ reply: RedisReply) throws(RedisError) {
        guard let parts = reply.array, let closed = parts.first?.array, parts.count % 3 == 1 else {
            throw RedisError(.protocolError, "claim returned another shape than tempest.lua documents")
        }
        for name in closed {
            guard let name = name.string else { continue }
            if name == "~" {
                hasCancelled = true
            } else if name.hasPrefix("!") {
                if let level = try? Level(String(name.dropFirst())) { broken.insert(level) }
            } else if let level = try? Level(name) {
                paused.insert(level)
            }
        }
        for index in stride(from: 1, to: parts.count, by: 3) {
            guard let name = parts[index].string, let level = try? Level(name), let first = parts[index + 1].integer,
                let payloads = parts[index + 2].array
            else { throw RedisError(.protocolError, "claim returned another shape than tempest.lua documents") }
            jobs.reserveCapacity(jobs.count + payloads.count)
            for (offset, payload) in payloads.enumerated() {
                guard let payload = payload.bytes else {
                    throw RedisError(.protocolError, "claim returned a payload that is no string")
                }
                bytes += payload.count
                jobs.append(
                    ClaimedJob(
                        claim: Claim(level, Int(first) + offset), payload: payload, mayBeCancelled: hasCancelled))
            }
        }
    }
}
