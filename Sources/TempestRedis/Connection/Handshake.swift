// The first words on a connection, and what their replies say about the server.
// Between the open channel and the RedisConnection that others get; pure, so that it can be tested without a server.

/// Password, database, name, readiness, number and server, in this order.
struct Handshake {
    enum Step { case authenticate, select, setName, ping, clientID, info }

    /// What is known of the server; zero and empty where we may not ask.
    struct Server: Equatable {
        var clientID: Int64 = 0
        var runID = ""
        var version = ""
    }

    let commands: [(step: Step, command: RedisCommand)]
    private let place: RedisPlace
    private let usesTLS: Bool

    init(configuration: RedisConfiguration, name: String) {
        var commands: [(Step, RedisCommand)] = []
        if let password = configuration.password {
            let user = configuration.username.map { [RedisArgument($0)] } ?? []
            commands.append((.authenticate, RedisCommand(["AUTH"] + user + [RedisArgument(password)])))
        }
        if configuration.database != 0 {
            commands.append((.select, ["SELECT", RedisArgument(configuration.database)]))
        }
        // CLIENT SETNAME takes printable ASCII without spaces only.
        let cleaned = String(name.unicodeScalars.map { (33...126).contains($0.value) ? Character($0) : "-" })
        if !cleaned.isEmpty { commands.append((.setName, ["CLIENT", "SETNAME", RedisArgument(cleaned)])) }
        commands.append((.ping, ["PING"]))
        commands.append((.clientID, ["CLIENT", "ID"]))
        commands.append((.info, ["INFO", "server"]))
        self.commands = commands
        self.place = configuration.place
        self.usesTLS = configuration.tls != nil
    }

    /// - Throws: `.authentication`, `.permission`, `.loading`, `.tooOld`, `.badArgument`, or why the connection broke.
    func judge(_ results: [Result<RedisReply, any Error>]) throws(RedisError) -> Server {
        var server = Server()
        for ((step, _), result) in zip(self.commands, results) {
            do {
                let reply = try result.get()
                switch step {
                case .authenticate, .select, .setName, .ping: break
                case .clientID: server.clientID = reply.integer ?? 0
                case .info: self.read(reply.string ?? "", into: &server)
                }
            } catch {
                try self.weigh(TransportFailure.error(error, at: self.place), step)
            }
        }
        try self.checkVersion(server.version)
        return server
    }

    /// Throws unless we can do without the step.
    private func weigh(_ error: RedisError, _ step: Step) throws(RedisError) {
        // No reply at all: the connection is of no use, whichever step it was.
        guard error.reply != nil else { throw self.silence(error) }
        switch step {
        case .authenticate, .select: throw error
        case .setName, .ping, .clientID, .info:
            switch error.code {
            // A user may lack these rights and still push and claim jobs.
            case .permission, .reply, .tooOld: if error.reply?.hasPrefix("DENIED") == true { throw error }
            default: throw error
            }
        }
    }

    /// The usual reasons of a server that says nothing, or hangs up.
    private func silence(_ error: RedisError) -> RedisError {
        switch error.code {
        case .timedOut where self.usesTLS:
            RedisError(.timedOut, "\(error.message) Or does this port speak no TLS (redis://)?")
        case .connectionLost where self.usesTLS:
            RedisError(.connectionLost, "\(self.place.address) hung up before it had answered: does this port speak TLS?")
        case .connectionLost:
            RedisError(.connectionLost, "\(self.place.address) hung up before it had answered: is it a TLS port (rediss://)?")
        default: error
        }
    }

    private func read(_ info: String, into server: inout Server) {
        for line in info.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = String(line[line.index(after: colon)...])
            switch line[..<colon] {
            case "run_id": server.runID = value
            case "redis_version": server.version = value
            default: break
            }
        }
    }

    private func checkVersion(_ version: String) throws(RedisError) {
        guard let major = version.split(separator: ".").first.flatMap({ Int($0) }), major < 7 else { return }
        throw RedisError(
            .tooOld, "\(self.place.address) is Redis \(version), which has no functions: Redis 7.0 or newer (or Valkey) is needed"
        )
    }
}
