import Logging
import TempestTesting
import Testing

@testable import TempestRedis

@Suite("What a listening node says")
struct ListenerConversationTests {
    /// The bytes that come back for bytes that were sent; answers are taken.
    private func converse(_ sent: String, password: String? = nil) throws -> String {
        var parser = CommandParser()
        var conversation = ListenerConversation(id: 5, password: password)
        parser.feed(sent.utf8)
        var bytes: [UInt8] = []
        while let command = try parser.next() {
            switch conversation.receive(command) {
            case .reply(let reply): reply.write(to: &bytes, version: conversation.version)
            case .end(let reply):
                reply.write(to: &bytes, version: conversation.version)
                bytes += "(end)".utf8
            case .hangUp: bytes += "(hung up)".utf8
            case .answer(let answer):
                bytes += "(\(answer.action) \(answer.job) \(String(decoding: answer.payload, as: UTF8.self)))".utf8
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// An array of bulk strings.
    private func array(_ words: String...) -> String {
        "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
    }

    static let info =
        "# Server\r\nredis_version:7.0.0\r\nredis_mode:standalone\r\ntempest_protocol:1\r\n# Persistence\r\nloading:0\r\n# Replication\r\nrole:master\r\n"

    @Test("HELLO 3, as redis-py 8 and Ruby's redis-client begin: a real map, and no error to what they add")
    func hello3() throws {
        let sent =
            "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"
            + array("CLIENT", "MAINT_NOTIFICATIONS", "ON", "moving-endpoint-type", "internal-ip")
            + "*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$8\r\nLIB-NAME\r\n$8\r\nredis-py\r\n"
            + "*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$7\r\nLIB-VER\r\n$5\r\n8.1.0\r\n"
            + "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
        #expect(
            try converse(sent)
                == "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.0.0\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:5\r\n"
                + "$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n"
        )
        // node_redis 5 and ioredis 6 say who they are in the same breath.
        #expect(try converse(array("HELLO", "3", "AUTH", "default", "x", "SETNAME", "me")).hasPrefix("%7\r\n"))
    }

    @Test("HELLO 2 and HELLO alone: an array; other versions and nonsense: errors")
    func hello2() throws {
        #expect(try converse(array("HELLO", "2")).hasPrefix("*14\r\n$6\r\nserver\r\n"))
        #expect(try converse(array("hello")).contains("$5\r\nproto\r\n:2\r\n"))
        #expect(try converse(array("HELLO", "4")).hasPrefix("-NOPROTO"))
        #expect(try converse(array("HELLO", "x")).hasPrefix("-ERR"))
        #expect(try converse(array("HELLO", "3", "AUTH", "me")).hasPrefix("-ERR Syntax"))
        #expect(try converse(array("HELLO", "3", "NONSENSE")).hasPrefix("-ERR Syntax"))
        // RESET goes back to RESP2.
        #expect(try converse(array("HELLO", "3") + array("RESET") + array("CLIENT", "GETNAME")).hasSuffix("+RESET\r\n$-1\r\n"))
    }

    @Test("The ready check of node_redis 0.x and ioredis: INFO with a version and without loading:1")
    func readyCheck() throws {
        #expect(try converse("*1\r\n$4\r\ninfo\r\n") == "$\(Self.info.utf8.count)\r\n\(Self.info)\r\n")
        #expect(try converse("INFO\r\n") == "$\(Self.info.utf8.count)\r\n\(Self.info)\r\n")
        #expect(
            try converse(array("HELLO", "3") + array("INFO", "server")).hasSuffix(
                "=\(Self.info.utf8.count + 4)\r\ntxt:\(Self.info)\r\n"))
    }

    @Test("redis-cli asks COMMAND DOCS first, redis-rb 4 nothing at all")
    func others() throws {
        #expect(try converse(array("COMMAND", "DOCS")) == "*0\r\n")
        #expect(try converse(array("COMMAND")) == "*0\r\n")
        #expect(try converse(array("COMMAND", "COUNT")) == ":0\r\n")
        #expect(try converse(array("url", "42", "[200,{},\"\"]")) == "(url 42 [200,{},\"\"])")
        #expect(
            try converse(array("PING") + array("PING", "x") + array("ECHO", "y") + array("SELECT", "3"))
                == "+PONG\r\n$1\r\nx\r\n$1\r\ny\r\n+OK\r\n")
        #expect(
            try converse(array("CLIENT", "SETNAME", "w") + array("CLIENT", "GETNAME") + array("CLIENT", "ID"))
                == "+OK\r\n$1\r\nw\r\n:5\r\n")
        #expect(try converse(array("AUTH", "any") + array("QUIT")) == "+OK\r\n+OK\r\n(end)")
        #expect(try converse(array("CLIENT", "REPLY", "OFF")).hasPrefix("-ERR"))
        #expect(try converse(array("SELECT", "-1")).hasPrefix("-ERR"))
    }

    @Test(
        "With a password nobody is heard before it",
        arguments: [["AUTH", "secret"], ["AUTH", "me", "secret"], ["HELLO", "3", "AUTH", "me", "secret"]])
    func password(_ words: [String]) throws {
        let right = "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
        let answer = array("add", "1", "[5]")
        #expect(
            try converse(answer + array("INFO") + array("HELLO", "3"), password: "secret").split(separator: "\r\n").allSatisfy {
                $0.hasPrefix("-NOAUTH")
            })
        #expect(try converse(right.replacing("secret", with: "secreT") + answer, password: "secret").hasPrefix("-WRONGPASS"))
        #expect(
            try converse(right.replacing("$6\r\nsecret", with: "$5\r\nsecre") + answer, password: "secret").contains("-NOAUTH"))
        #expect(try converse(right + answer, password: "secret").hasSuffix("(add 1 [5])"))
    }

    @Test(
        "Commands of Redis are no answers, in whatever case, and say so",
        arguments: ["SET", "get", "FlushAll", "EVAL", "JSON.SET", "ft.search", "subscribe", "MONITOR"])
    func commands(_ name: String) throws {
        let said = try converse(array(name, "1", "[]"))
        #expect(said.hasPrefix("-ERR '\(name.lowercased())' is a command of Redis") && said.hasSuffix("\r\n"))
    }

    @Test("What is no answer is told why, on one line")
    func noAnswers() throws {
        #expect(try converse(array("url", "42")).hasPrefix("-ERR an answer is"))
        #expect(try converse(array("url", "42", "[]", "{}", "x")).hasPrefix("-ERR an answer is"))
        #expect(try converse(array("url", "4\n2", "[]")).hasPrefix("-ERR a job id"))
        #expect(try converse(array("url", "", "[]")).hasPrefix("-ERR a job id"))
        #expect(try converse(array("u\r\nl", "1", "[]")).hasPrefix("-ERR a name"))
        #expect(try converse(array(String(repeating: "a", count: 256), "1", "[]")).hasPrefix("-ERR a name"))
        // An action may be called post; a browser's line may not.
        #expect(try converse(array("post", "1", "[]")) == "(post 1 [])")
        #expect(try converse("POST / HTTP/1.1\r\nHost: x\r\n\r\n").hasPrefix("(hung up)"))
        #expect(try converse("GET / HTTP/1.1\r\nHost: x\r\n\r\nadd 1 [5]\r\n").hasPrefix("-ERR 'get' is a command of Redis"))
    }

    @Test("Every command of the Redis here is known to the list")
    func known() async throws {
        try await withPrivateRedis { server in
            let redis = RedisClient(try RedisConfiguration(url: server.url), logger: Logger(label: "test"))
            let names = try await redis.execute(["COMMAND", "LIST"]).array ?? []
            #expect(names.count > 200)
            for name in names.compactMap(\.string) where !name.contains("|") {
                #expect(KnownCommands.contains(name) && KnownCommands.contains(name.uppercased()), "\(name)")
            }
            await redis.shutdown()
        }
        for name in ["url", "wordcount", "add", "resize.image", "", "a.b.c"] { #expect(!KnownCommands.contains(name), "\(name)") }
        // Unicode's rules would fold the Kelvin sign to k; Redis does not.
        #expect(!KnownCommands.contains("\u{212A}eys"))
    }
}
