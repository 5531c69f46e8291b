// What one client is told: the words that clients of Redis say first, and answers, which are every command that Redis does not know.
// Pure; between the parser and whoever waits for answers.

struct ListenerConversation {
    /// What is to be done with a command.
    enum Step: Equatable {
        case reply(ListenerReply)
        /// Told, and hung up.
        case end(ListenerReply)
        /// Hung up without a word.
        case hangUp
        case answer(DirectAnswer)
    }

    /// The version of the Redis that we resemble to clients that ask; without `run_id` or `tcp_port`, by which a Redis is known.
    static let redisVersion = "7.0.0"

    private let id: Int
    private let password: [UInt8]?
    private var isAuthenticated: Bool
    private var name: [UInt8] = []
    /// Of RESP: 2, or 3 after `HELLO 3`.
    private(set) var version = 2

    init(id: Int, password: String? = nil) {
        self.id = id
        self.password = password.map { Array($0.utf8) }
        self.isAuthenticated = password == nil
    }

    mutating func receive(_ command: CommandParser.Command) -> Step {
        let words = command.words
        guard let action = Self.text(words[0], longest: 255) else {
            return .reply(.error("ERR a name of 1 to 255 bytes of UTF-8 without control characters was expected"))
        }
        let name = KnownCommands.lowercased(action)
        // A browser that was sent here by a page: nothing of what follows is meant for us.
        if command.isInline, name == "post" || name == "host:" { return .hangUp }
        switch name {
        case "hello": return hello(words)
        case "auth": return .reply(authenticate(Array(words.dropFirst())))
        case "quit": return .end(.ok)
        case "reset": return .reply(reset())
        default: break
        }
        guard isAuthenticated else { return .reply(.error("NOAUTH Authentication required.")) }
        switch name {
        case "info": return .reply(.text(Self.info))
        case "ping": return .reply(words.count > 1 ? .bulk(words[1]) : .status("PONG"))
        case "echo": return .reply(words.count == 2 ? .bulk(words[1]) : Self.wrongNumber(name))
        case "select":
            let index = words.count == 2 ? Int(String(decoding: words[1], as: UTF8.self)) : nil
            return .reply(index.map { $0 >= 0 } == true ? .ok : .error("ERR invalid DB index"))
        case "client": return .reply(client(words))
        case "command": return .reply(Self.command(words))
        default: break
        }
        guard name == "post" || !KnownCommands.contains(name) else {
            return .reply(
                .error(
                    "ERR '\(name)' is a command of Redis, and this is a node of Tempest, which takes answers: no action can be called so"
                ))
        }
        return answer(action, words)
    }

    private func answer(_ action: String, _ words: [[UInt8]]) -> Step {
        guard (3...4).contains(words.count) else {
            return .reply(.error("ERR an answer is: <action> <job_id> <payload>, and meta if there is some"))
        }
        guard let job = Self.text(words[1], longest: 128) else {
            return .reply(.error("ERR a job id is 1 to 128 bytes of UTF-8 without control characters"))
        }
        return .answer(DirectAnswer(action: action, job: job, payload: words[2], meta: words.count == 4 ? words[3] : nil))
    }

    // MARK: Who is there

    private mutating func hello(_ words: [[UInt8]]) -> Step {
        var wanted = version
        var rest = words.dropFirst()
        if let first = rest.popFirst() {
            guard let number = Int(String(decoding: first, as: UTF8.self)) else {
                return .reply(.error("ERR Protocol version is not an integer or out of range"))
            }
            guard (2...3).contains(number) else { return .reply(.error("NOPROTO unsupported protocol version")) }
            wanted = number
        }
        var newName = name
        while let option = rest.popFirst() {
            switch KnownCommands.lowercased(String(decoding: option, as: UTF8.self)) {
            case "auth":
                guard rest.count >= 2 else { return .reply(.error("ERR Syntax error in HELLO option 'auth'")) }
                let reply = authenticate([rest.removeFirst(), rest.removeFirst()])
                guard reply == .ok else { return .reply(reply) }
            case "setname":
                guard let word = rest.popFirst() else { return .reply(.error("ERR Syntax error in HELLO option 'setname'")) }
                newName = word
            default: return .reply(.error("ERR Syntax error in HELLO"))
            }
        }
        guard isAuthenticated else {
            return .reply(
                .error("NOAUTH HELLO must be called with the client already authenticated, or with the AUTH <user> <pass> option")
            )
        }
        (version, name) = (wanted, newName)
        return .reply(
            .map([
                ("server", .bulk(Array("redis".utf8))), ("version", .bulk(Array(Self.redisVersion.utf8))),
                ("proto", .integer(wanted)), ("id", .integer(id)), ("mode", .bulk(Array("standalone".utf8))),
                ("role", .bulk(Array("master".utf8))), ("modules", .array([])),
            ]))
    }

    /// Any user with the password, if there is one; without one there is nothing to be kept out of.
    private mutating func authenticate(_ words: [[UInt8]]) -> ListenerReply {
        guard (1...2).contains(words.count), let given = words.last else { return Self.wrongNumber("auth") }
        guard let password else { return .ok }
        // As long for every wrong word of a length.
        var difference = given.count ^ password.count
        for (left, right) in zip(given, password) { difference |= Int(left ^ right) }
        guard difference == 0 else { return .error("WRONGPASS invalid username-password pair or user is disabled.") }
        isAuthenticated = true
        return .ok
    }

    private mutating func reset() -> ListenerReply {
        (version, name, isAuthenticated) = (2, [], password == nil)
        return .status("RESET")
    }

    // MARK: What clients say in passing

    private static var info: String {
        "# Server\r\nredis_version:\(redisVersion)\r\nredis_mode:standalone\r\ntempest_protocol:1\r\n# Persistence\r\nloading:0\r\n"
            + "# Replication\r\nrole:master\r\n"
    }

    private mutating func client(_ words: [[UInt8]]) -> ListenerReply {
        guard words.count > 1 else { return Self.wrongNumber("client") }
        switch KnownCommands.lowercased(String(decoding: words[1], as: UTF8.self)) {
        case "id": return .integer(id)
        case "getname": return name.isEmpty ? .null : .bulk(name)
        case "setname":
            guard words.count == 3 else { return Self.wrongNumber("client|setname") }
            name = words[2]
            return .ok
        case "info", "list": return .text("id=\(id) resp=\(version)\n")
        // Replies that do not come, or clients that end others, are not for here.
        case "reply", "kill", "pause", "unblock", "tracking", "caching":
            return .error("ERR this CLIENT subcommand is not known to a node of Tempest")
        default: return .ok
        }
    }

    private static func command(_ words: [[UInt8]]) -> ListenerReply {
        guard words.count > 1 else { return .array([]) }
        switch KnownCommands.lowercased(String(decoding: words[1], as: UTF8.self)) {
        case "count": return .integer(0)
        case "docs": return .map([])
        default: return .array([])
        }
    }

    private static func wrongNumber(_ name: String) -> ListenerReply {
        .error("ERR wrong number of arguments for '\(name)' command")
    }

    private static func text(_ bytes: [UInt8], longest: Int) -> String? {
        guard (1...longest).contains(bytes.count), bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
