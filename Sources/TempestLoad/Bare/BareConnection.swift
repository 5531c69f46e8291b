// A blocking connection of hiredis, for the loops that show what Redis itself can do. Before it: where Redis is. After it: BareDrain,
// BareCall. The library's own connections are SwiftNIO's.

import CHiredis
import TempestRedis

/// One connection for one thread. Commands are appended, and their replies taken in order.
final class BareConnection {
    private let context: UnsafeMutablePointer<redisContext>
    private let lines: BareLines

    /// Whether a bare connection can reach it: without TLS.
    static func reaches(_ configuration: RedisConfiguration) -> Bool { configuration.tls == nil }

    init(_ configuration: RedisConfiguration, _ lines: BareLines) throws {
        let made =
            configuration.socketPath.map { redisConnectUnix($0) } ?? redisConnect(configuration.host, Int32(configuration.port))
        guard let made else { throw LoadError("no memory for a connection") }
        (context, self.lines) = (made, lines)
        guard made.pointee.err == 0 else { throw LoadError("Redis cannot be reached: \(Self.message(made))") }
        try lines.add(made.pointee.fd)
        if let password = configuration.password {
            try call(configuration.username.map { ["AUTH", $0, password] } ?? ["AUTH", password])
        }
        if configuration.database != 0 { try call(["SELECT", "\(configuration.database)"]) }
    }

    deinit {
        lines.remove(context.pointee.fd)
        redisFree(context)
    }

    private static func message(_ context: UnsafeMutablePointer<redisContext>) -> String {
        withUnsafeBytes(of: &context.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// Puts a command into the buffer.
    func append(_ words: [String]) throws {
        var command = BareCommand(words: words.count)
        for word in words { command.add(Array(word.utf8)) }
        try append(command)
    }

    func append(_ command: BareCommand) throws {
        let result = command.bytes.withUnsafeBytes { bytes in
            redisAppendFormattedCommand(context, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard result == REDIS_OK else { throw LoadError("a command cannot be written: \(Self.message(context))") }
    }

    /// Sends what is in the buffer.
    func flush() throws {
        var done: Int32 = 0
        while done == 0 {
            guard redisBufferWrite(context, &done) == REDIS_OK else { throw LoadError("Redis is gone: \(Self.message(context))") }
        }
    }

    /// The next reply, valid during the body. An error that Redis replies is thrown.
    func reply<R>(_ body: (redisReply) throws -> R) throws -> R {
        var raw: UnsafeMutableRawPointer?
        guard redisGetReply(context, &raw) == REDIS_OK, let raw else {
            throw LoadError("Redis is gone: \(Self.message(context))")
        }
        defer { freeReplyObject(raw) }
        let reply = raw.assumingMemoryBound(to: redisReply.self).pointee
        if reply.type == REDIS_REPLY_ERROR { throw LoadError("Redis says: \(Self.text(reply))") }
        return try body(reply)
    }

    /// A command and its reply.
    @discardableResult
    func call(_ words: [String]) throws -> String {
        try append(words)
        return try reply { Self.text($0) }
    }

    static func text(_ reply: redisReply) -> String { String(decoding: bytes(reply), as: UTF8.self) }

    static func bytes(_ reply: redisReply) -> [UInt8] {
        guard let start = reply.str else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: reply.len))
    }
}

/// A command as it is sent.
struct BareCommand {
    private(set) var bytes: [UInt8] = []

    init(words: Int) {
        bytes.append(UInt8(ascii: "*"))
        number(words)
    }

    mutating func add(_ word: [UInt8]) {
        bytes.append(UInt8(ascii: "$"))
        number(word.count)
        bytes += word
        end()
    }

    /// Words that are written already.
    mutating func add(written: [UInt8]) { bytes += written }

    private mutating func number(_ number: Int) {
        bytes += "\(number)".utf8
        end()
    }

    private mutating func end() {
        bytes.append(0x0D)
        bytes.append(0x0A)
    }
}
