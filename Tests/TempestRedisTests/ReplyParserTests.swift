// Bytes to replies and commands to bytes, through hiredis: whole, torn, hostile.

import NIOCore
import Testing

@testable import TempestRedis

@Suite("The reply parser")
struct ReplyParserTests {
    static let stream =
        "+OK\r\n:-42\r\n$-1\r\n*-1\r\n$0\r\n\r\n$4\r\na\r\nb\r\n*0\r\n*3\r\n:1\r\n*2\r\n$1\r\nx\r\n-ERR no\r\n$-1\r\n-WRONGTYPE bad\r\n"
    static let replies: [RedisReply] = [
        .status("OK"), .integer(-42), .null, .null, .bytes([]), .bytes(Array("a\r\nb".utf8)), .array([]),
        .array([.integer(1), .array([.bytes([120]), .error("ERR no")]), .null]), .error("WRONGTYPE bad"),
    ]

    static func parse(_ bytes: [UInt8], step: Int, limit: Int = 1 << 20) throws -> [RedisReply] {
        var parser = try ReplyParser(limit: limit)
        var replies: [RedisReply] = []
        for start in stride(from: 0, to: bytes.count, by: step) {
            let piece = Array(bytes[start..<min(start + step, bytes.count)])
            try piece.withUnsafeBytes { try parser.feed($0) }
            while let reply = try parser.next() { replies.append(reply) }
        }
        return replies
    }

    @Test("reads all kinds of replies, torn in pieces of any size", arguments: 1...40)
    func torn(_ step: Int) throws {
        #expect(try Self.parse(Array(Self.stream.utf8), step: step) == Self.replies)
    }

    @Test("reads 20 MB of all byte values, in pieces of 64 kB")
    func big() throws {
        let payload = manyBytes(20_000_000)
        let bytes = Array("$\(payload.count)\r\n".utf8) + payload + Array("\r\n:7\r\n".utf8)
        let replies = try Self.parse(bytes, step: 65536, limit: 64 << 20)
        #expect(replies == [.bytes(payload), .integer(7)])
    }

    @Test(
        "refuses what is not RESP2",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n", "\0\0\0\0", "%1\r\n+a\r\n+b\r\n", ":abc\r\n", "$-2\r\n", "*-2\r\n",
            "*99999999999\r\n",
            "*2147483647\r\n", "*16777217\r\n", "$99999999999999999999\r\n", String(repeating: "*1\r\n", count: 64),
        ])
    func hostile(_ text: String) {
        let error = #expect(throws: RedisError.self) { _ = try Self.parse(Array(text.utf8), step: text.utf8.count) }
        #expect(error?.code == .protocolError)
    }

    @Test("refuses a reply that grows beyond the limit, but not many small ones")
    func limit() throws {
        let small = String(repeating: "+OK\r\n", count: 1000)
        #expect(try Self.parse(Array(small.utf8), step: 7, limit: 100).count == 1000)
        let large = Array("$200\r\n".utf8) + [UInt8](repeating: 0, count: 150)
        let error = #expect(throws: RedisError.self) { _ = try Self.parse(large, step: 10, limit: 100) }
        #expect(error?.code == .protocolError)
        #expect(error?.message.contains("100 bytes") == true)
    }

    @Test("can be thrown away in the middle of a reply, again and again")
    func abandoned() throws {
        for length in 1..<Self.stream.utf8.count {
            _ = try Self.parse(Array(Self.stream.utf8.prefix(length)), step: 3)
        }
    }
}

@Suite("A command")
struct CommandFormatterTests {
    static let written: [(RedisCommand, String)] = [
        (["PING"], "*1\r\n$4\r\nPING\r\n"),
        (["SET", "é", ""], "*3\r\n$3\r\nSET\r\n$2\r\né\r\n$0\r\n\r\n"),
        (["", ""], "*2\r\n$0\r\n\r\n$0\r\n\r\n"),
        (["X", RedisArgument(-9)], "*2\r\n$1\r\nX\r\n$2\r\n-9\r\n"),
        (["X", RedisArgument([0, 13, 10])], "*2\r\n$1\r\nX\r\n$3\r\n\0\r\n\r\n"),
        (.fcall("f", key: "k", ["a", 1]), "*6\r\n$5\r\nFCALL\r\n$1\r\nf\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\na\r\n$1\r\n1\r\n"),
    ]

    @Test("is written as an array of its words", arguments: written)
    func writes(_ command: RedisCommand, _ expected: String) throws {
        #expect(String(buffer: try CommandFormatter.format(command)) == expected)
    }

    @Test("without a name is refused")
    func empty() {
        let error = #expect(throws: RedisError.self) { _ = try CommandFormatter.format([]) }
        #expect(error?.code == .badArgument)
    }

    @Test("is named by its word or its function, never by an argument")
    func names() {
        #expect(RedisCommand(["AUTH", "secret"]).name == "AUTH")
        #expect(RedisCommand.fcall("tempest1_claim", key: "q", []).name == "tempest1_claim")
        #expect(RedisCommand([]).name == "a command")
    }
}

@Suite("A reply")
struct RedisReplyTests {
    @Test("answers only for what it is")
    func accessors() {
        #expect(RedisReply.bytes([104, 105]).string == "hi")
        #expect(RedisReply.status("OK").bytes == [79, 75])
        #expect(RedisReply.bytes([49, 50]).integer == 12)
        #expect(RedisReply.bytes([120]).integer == nil)
        #expect(RedisReply.integer(5).integer == 5)
        #expect(RedisReply.integer(5).string == nil)
        #expect(RedisReply.array([.null]).array == [.null])
        #expect(RedisReply.null.array == nil)
        #expect(RedisReply.error("x").string == nil)
    }
}
