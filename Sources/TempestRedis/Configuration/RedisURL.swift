// Takes redis://, rediss:// and unix:// URLs apart.
// Called by RedisConfiguration alone. Errors never repeat a part of the URL that may be a piece of a password.

enum RedisURL {
    static func parse(_ url: String) throws(RedisError) -> RedisConfiguration {
        let (scheme, afterScheme) = split(trimmed(url), at: "://")
        guard let afterScheme else {
            throw wrong("it has no scheme; write redis://host:port, rediss://host:port or unix:///path/to.sock")
        }
        let (beforeFragment, fragment) = split(afterScheme, at: "#")
        guard fragment == nil else {
            throw wrong("it has a fragment (#…); a # in the password is written %23")
        }
        let (body, query) = split(beforeFragment, at: "?")
        var configuration = RedisConfiguration()
        switch scheme.lowercased() {
        case "redis":
            try network(body, into: &configuration)
        case "rediss":
            configuration.tls = RedisTLS()
            try network(body, into: &configuration)
        case "unix", "redis+unix":
            try socket(body, into: &configuration)
        default:
            throw wrong("its scheme is not one of redis, rediss and unix")
        }
        if let query, !query.isEmpty { try parameters(query, into: &configuration) }
        if let tls = configuration.tls, (tls.certificateFile == nil) != (tls.keyFile == nil) {
            throw wrong("cert and key belong together, and only one of them is there")
        }
        if configuration.username != nil, configuration.password == nil {
            throw wrong("it has a user but no password; write user:password@host, or :password@host for the default user")
        }
        return configuration
    }

    private static func network(_ body: Substring, into configuration: inout RedisConfiguration) throws(RedisError) {
        let (authority, path) = split(body, at: "/")
        let address = try credentials(authority, into: &configuration)
        let (host, port) = try hostAndPort(address)
        if !host.isEmpty {
            configuration.host = try decoded(host, "the host")
            guard configuration.host.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F }) else {
                throw wrong("the host has a space or a control character")
            }
        }
        if let port {
            guard let number = Int(port), (1...65535).contains(number), port.utf8.allSatisfy(isDigit) else {
                throw wrong("the port is not a number from 1 to 65535 (in a password, write @ as %40, : as %3A and / as %2F)")
            }
            configuration.port = number
        }
        if let path, !path.isEmpty { configuration.database = try database(path) }
    }

    private static func socket(_ body: Substring, into configuration: inout RedisConfiguration) throws(RedisError) {
        guard let slash = body.firstIndex(of: "/") else {
            throw wrong("a unix URL needs an absolute path, as in unix:///run/redis/redis.sock")
        }
        let rest = try credentials(body[..<slash], into: &configuration)
        guard rest.isEmpty else {
            throw wrong("a unix URL has three slashes and no host, as in unix:///run/redis/redis.sock")
        }
        let path = try decoded(body[slash...], "the path")
        guard path.count > 1, !path.utf8.contains(0) else { throw wrong("the path of the socket is empty") }
        configuration.socketPath = path
    }

    /// Reads what stands before the last @, and returns what stands after it.
    private static func credentials(
        _ authority: Substring, into configuration: inout RedisConfiguration
    ) throws(RedisError) -> Substring {
        guard let at = authority.lastIndex(of: "@") else { return authority }
        let (user, password) = split(authority[..<at], at: ":")
        if !user.isEmpty { configuration.username = try decoded(user, "the user") }
        if let password, !password.isEmpty { configuration.password = try decoded(password, "the password") }
        return authority[authority.index(after: at)...]
    }

    private static func hostAndPort(_ address: Substring) throws(RedisError) -> (Substring, Substring?) {
        guard address.hasPrefix("[") else {
            let (host, port) = split(address, at: ":")
            guard port?.contains(":") != true else {
                throw wrong("an IPv6 address is written in brackets, as in redis://[::1]:6379")
            }
            return (host, port)
        }
        guard let end = address.firstIndex(of: "]") else { throw wrong("the bracket of the IPv6 address is not closed") }
        let host = address[address.index(after: address.startIndex)..<end]
        let rest = address[address.index(after: end)...]
        guard !rest.isEmpty else { return (host, nil) }
        guard rest.hasPrefix(":") else { throw wrong("after the bracket of an IPv6 address comes a colon and the port") }
        return (host, rest.dropFirst())
    }

    private static func parameters(_ query: Substring, into configuration: inout RedisConfiguration) throws(RedisError) {
        var seen: Set<Substring> = []
        for pair in query.split(separator: "&") {
            let (name, raw) = split(pair, at: "=")
            guard seen.insert(name == "username" ? "user" : name).inserted else {
                throw wrong("the parameter \(known(name)) is there twice")
            }
            let value = try decoded(raw ?? "", "the parameter \(known(name))")
            switch name {
            case "db": configuration.database = try database(Substring(value))
            case "user", "username": configuration.username = value.isEmpty ? nil : value
            case "password": configuration.password = value.isEmpty ? nil : value
            case "cacert": try tls(&configuration, name, value, \.caFile)
            case "cert": try tls(&configuration, name, value, \.certificateFile)
            case "key": try tls(&configuration, name, value, \.keyFile)
            case "servername": try tls(&configuration, name, value, \.serverName)
            default:
                throw wrong("it has an unknown parameter; known are db, user, password, cacert, cert, key and servername")
            }
        }
    }

    private static func tls(
        _ configuration: inout RedisConfiguration, _ name: Substring, _ value: String, _ path: WritableKeyPath<RedisTLS, String?>
    ) throws(RedisError) {
        guard var tls = configuration.tls else {
            throw wrong("cacert, cert, key and servername need the scheme rediss")
        }
        guard !value.isEmpty else { throw wrong("the parameter \(name) is empty") }
        tls[keyPath: path] = value
        configuration.tls = tls
    }

    private static func database(_ text: Substring) throws(RedisError) -> Int {
        let digits = text.hasSuffix("/") ? text.dropLast() : text
        guard let number = Int32(digits), number >= 0, digits.utf8.allSatisfy(isDigit) else {
            throw wrong("the database is not a number from 0 (a / in a password is written %2F)")
        }
        return Int(number)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// Without the spaces and line ends around it: a file of a secret ends with one.
    private static func trimmed(_ url: String) -> Substring {
        let start = url[...].drop { $0.isASCII && $0.isWhitespace }
        return start.lastIndex { !($0.isASCII && $0.isWhitespace) }.map { start[...$0] } ?? ""
    }

    /// Whether nothing is said with it.
    static func isBlank(_ url: String) -> Bool { trimmed(url).isEmpty }

    private static func known(_ name: Substring) -> String {
        ["db", "user", "username", "password", "cacert", "cert", "key", "servername"].contains(String(name)) ? String(name) : "…"
    }

    private static func decoded(_ text: Substring, _ what: String) throws(RedisError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let pair = String(Substring(rest.prefix(2)))
            guard pair.utf8.count == 2, !pair.hasPrefix("+"), !pair.hasPrefix("-"), let value = UInt8(pair, radix: 16) else {
                throw wrong("\(what) has a % that two hexadecimal digits do not follow; a % itself is written %25")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let result = String(validating: bytes, as: UTF8.self) else { throw wrong("\(what) is not UTF-8") }
        return result
    }

    /// What stands before the first separator, and what stands after it if it is there.
    private static func split(_ text: Substring, at separator: String) -> (Substring, Substring?) {
        guard let range = text.firstRange(of: separator) else { return (text, nil) }
        return (text[..<range.lowerBound], text[range.upperBound...])
    }

    private static func wrong(_ what: String, file: String = #fileID, line: Int = #line) -> RedisError {
        RedisError(.url, "the Redis URL is not valid: \(what)", file: file, line: line)
    }
}
