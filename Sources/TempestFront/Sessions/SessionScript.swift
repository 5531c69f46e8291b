// What happens to sessions in Redis, each in one call and whole. Sent by SessionKeeper.
//
//   session:<id>          HASH   the fields, which are the workers'; gone when idle for too long
//   {session:<id>}:born   STRING when it began, in milliseconds since 1970 by Redis' clock; or "dead": an id that may not come
//                                back though a worker that has not heard of it writes to its hash. A key beside the hash, so that
//                                whoever lists the fields sees those of workers only, and whose name the pattern `session:*` of a
//                                worker's rights does not match: no worker makes its session last longer

import Crypto
import TempestRedis

/// A Lua script, and the digest that Redis knows it by.
struct SessionScript: Sendable {
    let text: String
    let digest: String

    init(_ text: String) {
        self.text = text
        let digits = Array("0123456789abcdef".utf8)
        var sha1 = Insecure.SHA1()
        var copy = text
        copy.withUTF8 { sha1.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        self.digest = String(decoding: sha1.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// KEYS: session, born. ARGV: idle, absolute (milliseconds).
    /// Returns nothing when there is no such session, or it is over; else an array of the field `user`, or of nothing.
    static let touch = SessionScript(
        clock + """
            if redis.call('EXISTS', KEYS[1]) == 0 then return false end
            local born = redis.call('GET', KEYS[2])
            local over = (tonumber(born or '') or now) + absolute
            if born == 'dead' or over <= now then
              redis.call('UNLINK', KEYS[1])
              redis.call('SET', KEYS[2], 'dead', 'PX', idle)
              return false
            end
            redis.call('PEXPIREAT', KEYS[1], math.min(now + idle, over))
            if not born then redis.call('SET', KEYS[2], now, 'PXAT', over + idle) end
            -- Longer than anybody's name: not worth sending with every request.
            if redis.call('HSTRLEN', KEYS[1], 'user') > 65536 then return {} end
            return {redis.call('HGET', KEYS[1], 'user') or nil}
            """)

    /// KEYS: session, born, new session, new born. ARGV: idle, absolute (milliseconds).
    /// Returns 1 when the session has its new id; 0 when there was none any more, or it is over.
    static let rotate = SessionScript(
        clock + """
            local born = redis.call('GET', KEYS[2])
            local begun = tonumber(born or '') or now
            local over = begun + absolute
            local there = redis.call('EXISTS', KEYS[1]) == 1 and born ~= 'dead' and over > now
            if there then
              redis.call('RENAME', KEYS[1], KEYS[3])
              redis.call('PEXPIREAT', KEYS[3], math.min(now + idle, over))
              redis.call('SET', KEYS[4], begun, 'PXAT', over + idle)
            end
            redis.call('UNLINK', KEYS[1])
            redis.call('SET', KEYS[2], 'dead', 'PX', idle)
            return there and 1 or 0
            """)

    /// KEYS: session, born. ARGV: idle, absolute (milliseconds). Returns nothing of use.
    static let end = SessionScript(
        clock + """
            redis.call('UNLINK', KEYS[1])
            redis.call('SET', KEYS[2], 'dead', 'PX', idle)
            return 1
            """)

    private static let clock = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local idle, absolute = tonumber(ARGV[1]), tonumber(ARGV[2])

        """
}
