// Turns an error reply of Redis ("WRONGTYPE Operation against …") into a RedisError.
// Comes after the reply was parsed, before the future of its command fails.

/// The first word of an error reply decides what it means; a few that begin with plain `ERR` are known by their text.
enum ServerErrorReply {
    /// - Parameter place: who answered, and whom.
    static func error(_ text: String, from place: RedisPlace) -> RedisError {
        if let denial = Denial.sentence(text, user: place.user) { return RedisError(.permission, denial, reply: text) }
        let word = text.prefix { $0 != " " }
        let (code, message) =
            self.byWord(word, text, place.origin) ?? self.byText(text, place.origin) ?? (.reply, "Redis answered: \(text)")
        return RedisError(code, message, reply: text)
    }

    private static func byWord(
        _ word: Substring, _ text: String, _ origin: RedisOrigin
    ) -> (RedisError.Code, String)? {
        switch word {
        case "NOAUTH":
            (.authentication, "Redis asks for a password: put it into \(origin.name) as redis://:password@host. It said: \(text)")
        case "WRONGPASS":
            (
                .authentication,
                "Redis refused the user name or the password in \(origin.name), or the user is off. It said: \(text)"
            )
        case "DENIED":
            (
                .permission,
                "Redis is in protected mode and takes no clients from other hosts: give it a password. It said: \(text)"
            )
        case "OOM":
            (.memory, "Redis is at its maxmemory: let workers drain it, or raise the limit. It said: \(text)")
        case "LOADING":
            (.loading, "Redis is still loading its data: wait until it is done. It said: \(text)")
        case "READONLY":
            (.readOnly, "this Redis is a read-only replica: connect to the primary. It said: \(text)")
        case "WRONGTYPE":
            (.wrongType, "a key holds another type than the command takes: does another program use it? Redis said: \(text)")
        case "MOVED", "ASK":
            (
                .reply,
                "this is a Redis Cluster, whose redirections Tempest does not follow: give the URL of a Redis that has all keys. It said: \(text)"
            )
        case "FENCED": (.fenced, text)
        case "RESYNC": (.resync, text)
        case "BADARG": (.badArgument, text)
        default: nil
        }
    }

    private static func byText(_ text: String, _ origin: RedisOrigin) -> (RedisError.Code, String)? {
        let lowered = text.lowercased()
        if lowered.hasPrefix("err max number of clients") {
            return (.clients, "Redis has as many clients as its maxclients allows: close some or raise it. It said: \(text)")
        }
        if lowered.hasPrefix("err auth") || lowered.hasPrefix("err invalid password") || lowered.hasPrefix("err client sent auth")
        {
            return (.authentication, "Redis does not take the password in \(origin.name). It said: \(text)")
        }
        if lowered.hasPrefix("err function not found") {
            return (.noFunction, "the function library is not loaded in this Redis. It said: \(text)")
        }
        if lowered.hasPrefix("err unknown command"), ["fcall", "function"].contains(where: { self.names($0, lowered) }) {
            return (.tooOld, "this server has no functions: Redis 7.0 or newer (or Valkey) is needed. It said: \(text)")
        }
        if lowered.hasPrefix("err db index is out of range") || lowered.hasPrefix("err invalid db index") {
            return (.badArgument, "Redis has no database of this number: see its setting `databases`. It said: \(text)")
        }
        return nil
    }

    /// Redis quotes the command as `X`, 'X' or "X", depending on its version.
    private static func names(_ command: String, _ text: String) -> Bool {
        ["`", "'", "\""].contains { text.hasPrefix("err unknown command \($0)\(command)") }
    }
}
