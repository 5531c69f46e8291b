// URLs and environments: what is read from them, and that errors do not give passwords away.

import Testing

@testable import TempestRedis

@Suite("A Redis URL")
struct RedisURLTests {
    static let valid: [(String, RedisConfiguration)] = [
        ("redis://", RedisConfiguration()),
        ("redis://localhost", RedisConfiguration(host: "localhost")),
        ("REDIS://h:1", RedisConfiguration(host: "h", port: 1)),
        ("redis://h:65535/", RedisConfiguration(host: "h", port: 65535)),
        ("redis:///3", RedisConfiguration(database: 3)),
        ("redis://h/15/", RedisConfiguration(host: "h", database: 15)),
        ("redis://h/1?db=2", RedisConfiguration(host: "h", database: 2)),
        ("redis://[::1]:7000/1", RedisConfiguration(host: "::1", port: 7000, database: 1)),
        ("redis://[fe80::1]", RedisConfiguration(host: "fe80::1")),
        ("redis://:secret@h", RedisConfiguration(host: "h", password: "secret")),
        ("redis://me:secret@h:1/2", RedisConfiguration(host: "h", port: 1, username: "me", password: "secret", database: 2)),
        ("redis://m%40e:s%3A%2f%25%23%C3%A9@h", RedisConfiguration(host: "h", username: "m@e", password: "s:/%#é")),
        ("redis://me:a@b:c@h", RedisConfiguration(host: "h", username: "me", password: "a@b:c")),
        ("redis://h?user=me&password=a%26b", RedisConfiguration(host: "h", username: "me", password: "a&b")),
        ("rediss://h", RedisConfiguration(host: "h", tls: RedisTLS())),
        (
            "rediss://h:6380/1?cacert=%2Fca.pem&cert=c&key=k&servername=s",
            RedisConfiguration(
                host: "h", port: 6380, database: 1,
                tls: RedisTLS(caFile: "/ca.pem", certificateFile: "c", keyFile: "k", serverName: "s"))
        ),
        ("unix:///run/redis.sock", RedisConfiguration(socketPath: "/run/redis.sock")),
        ("redis+unix:///a%20b", RedisConfiguration(socketPath: "/a b")),
        (
            "unix:///s?db=1&user=u&password=p",
            RedisConfiguration(socketPath: "/s", username: "u", password: "p", database: 1)
        ),
        ("unix://:p@/s", RedisConfiguration(socketPath: "/s", password: "p")),
    ]

    @Test("is read as it is meant", arguments: valid)
    func reads(_ url: String, _ expected: RedisConfiguration) throws {
        #expect(try RedisConfiguration(url: url) == expected)
    }

    static let invalid: [(String, String)] = [
        ("", "scheme"), ("localhost:6379", "scheme"), ("http://h", "scheme"), ("://h", "scheme"),
        ("redis://h:0", "port"), ("redis://h:65536", "port"), ("redis://h:", "port"), ("redis://h:+1", "port"),
        ("redis://u:sesame/x@h", "port"), ("redis://::1:6379", "brackets"), ("redis://[::1", "bracket"),
        ("redis://[::1]6379", "colon"), ("redis://h/x", "database"), ("redis://h/-1", "database"), ("redis://h/+1", "database"),
        ("redis://h/1/2", "database"), ("redis://h?db=", "database"), ("redis://h/99999999999", "database"),
        ("redis://:sesame%@h", "hexadecimal"), ("redis://:sesame%4@h", "hexadecimal"), ("redis://:sesame%+4@h", "hexadecimal"),
        ("redis://:sesame%FF@h", "UTF-8"), ("redis://:sesame#x@h", "fragment"), ("redis://sesame@h", "no password"),
        ("redis://h?sesame=1", "unknown parameter"), ("redis://h?cacert=x", "rediss"), ("rediss://h?cert=x", "belong together"),
        ("unix://h/s", "no host"), ("unix:///", "empty"), ("unix://", "absolute path"), ("unix:///a%00b", "empty"),
    ]

    @Test("that is wrong is refused with the reason, and without the password", arguments: invalid)
    func refuses(_ url: String, _ part: String) {
        let error = #expect(throws: RedisError.self) { _ = try RedisConfiguration(url: url) }
        #expect(error?.code == .url)
        #expect(error?.message.contains(part) == true, "\(String(describing: error))")
        #expect(error?.description.contains("sesame") == false)
    }

    @Test("is taken from the first variable that is set, and from none means this host")
    func environment() throws {
        #expect(try RedisConfiguration.environment([:]) == RedisConfiguration())
        #expect(try RedisConfiguration.environment(["REDIS_URL": "", "REDISTOGO_URL": "redis://b"]).host == "b")
        #expect(try RedisConfiguration.environment(["REDISCLOUD_URL": "redis://c"]).host == "c")
        #expect(try RedisConfiguration.environment(["REDIS_URL": "redis://a", "REDISTOGO_URL": "redis://b"]).host == "a")
        let error = #expect(throws: RedisError.self) { _ = try RedisConfiguration.environment(["REDISTOGO_URL": "x"]) }
        #expect(error?.message.contains("REDISTOGO_URL") == true)
    }

    @Test(
        "is shown without its password",
        arguments: ["redis://me:sesame@h:1/2", "unix:///s?password=sesame", "rediss://:sesame@[::1]"])
    func hidesPassword(_ url: String) throws {
        let configuration = try RedisConfiguration(url: url)
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), String(describing: [configuration]), dumped] {
            #expect(!text.contains("sesame"))
            #expect(text.contains("***"))
        }
    }
}
