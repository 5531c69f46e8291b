// The first words, and what their replies mean, without a server.

import Testing

@testable import TempestRedis

@Suite("The handshake")
struct HandshakeTests {
    static let info = RedisReply.bytes(Array("# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\n".utf8))

    static func results(_ replies: [RedisReply]) -> [Result<RedisReply, any Error>] {
        replies.map { reply in
            if case .error(let text) = reply {
                .failure(ServerErrorReply.error(text, from: RedisPlace(address: "there")))
            } else {
                .success(reply)
            }
        }
    }

    @Test("says password, database and name before all else")
    func words() {
        let full = RedisConfiguration(username: "me", password: "p", database: 3)
        #expect(
            Handshake(configuration: full, name: "a b\nc").commands.map(\.command) == [
                ["AUTH", "me", "p"], ["SELECT", 3], ["CLIENT", "SETNAME", "a-b-c"], ["PING"], ["CLIENT", "ID"],
                ["INFO", "server"],
            ])
        #expect(Handshake(configuration: RedisConfiguration(password: "p"), name: "").commands.first?.command == ["AUTH", "p"])
    }

    @Test("learns who the server is")
    func learns() throws {
        let handshake = Handshake(configuration: RedisConfiguration(), name: "n")
        let server = try handshake.judge(Self.results([.status("OK"), .status("PONG"), .integer(7), Self.info]))
        #expect(server == Handshake.Server(clientID: 7, runID: "abc", version: "7.0.15"))
    }

    @Test("does without what the user may not ask")
    func tolerates() throws {
        let handshake = Handshake(configuration: RedisConfiguration(), name: "n")
        let denied = RedisReply.error("NOPERM this user has no permissions to run the 'info' command")
        #expect(try handshake.judge(Self.results([denied, denied, denied, denied])) == Handshake.Server())
    }

    @Test(
        "fails with the reason",
        arguments: [
            ("NOAUTH Authentication required.", RedisError.Code.authentication),
            ("LOADING Redis is loading the dataset in memory", .loading),
            ("DENIED Redis is running in protected mode", .permission),
            ("ERR max number of clients reached", .clients),
        ])
    func fails(_ text: String, _ code: RedisError.Code) {
        let handshake = Handshake(configuration: RedisConfiguration(), name: "n")
        let error = #expect(throws: RedisError.self) {
            _ = try handshake.judge(Self.results([.status("OK"), .error(text), .integer(1), Self.info]))
        }
        #expect(error?.code == code)
    }

    @Test(
        "refuses a Redis before 7.0, and takes newer ones and unknown ones",
        arguments: ["6.2.14", "7.0.0", "8.2.1", "255.255.255", ""])
    func versions(_ version: String) throws {
        let handshake = Handshake(configuration: RedisConfiguration(), name: "n")
        let info = RedisReply.bytes(Array("redis_version:\(version)\r\n".utf8))
        let results = Self.results([.status("OK"), .status("PONG"), .integer(7), info])
        if version == "6.2.14" {
            let error = #expect(throws: RedisError.self) { _ = try handshake.judge(results) }
            #expect(error?.code == .tooOld)
            #expect(error?.message.contains("6.2.14") == true)
        } else {
            #expect(try handshake.judge(results).version == version)
        }
    }
}

@Suite("An error reply")
struct ServerErrorReplyTests {
    @Test(
        "is known by its first words",
        arguments: [
            ("NOAUTH Authentication required.", RedisError.Code.authentication),
            ("WRONGPASS invalid username-password pair or user is disabled.", .authentication),
            ("ERR AUTH <password> called without any password configured for the default user.", .authentication),
            ("NOPERM this user has no permissions", .permission),
            ("ERR The user executing the script can't run this command script: f, on @user_function:1.", .permission),
            ("OOM command not allowed", .memory),
            ("READONLY You can't write against a read only replica.", .readOnly),
            ("WRONGTYPE Operation against a key", .wrongType),
            ("ERR Function not found", .noFunction), ("ERR unknown command 'FCALL', with args beginning with: 'f' ", .tooOld),
            ("ERR unknown command `fcall`, with args", .tooOld), ("ERR unknown command 'GETT', with args", .reply),
            ("FENCED p is not registered", .fenced), ("RESYNC 7", .resync), ("BADARG free slots", .badArgument),
            ("FENCEDX", .reply), ("", .reply), ("ERR x", .reply),
        ])
    func mapping(_ text: String, _ code: RedisError.Code) {
        let error = ServerErrorReply.error(text, from: RedisPlace(address: "there"))
        #expect(error.code == code)
        #expect(error.reply == text)
        #expect(error.message.contains(text))
    }
}
