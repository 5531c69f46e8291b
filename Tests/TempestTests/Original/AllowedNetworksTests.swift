import TempestRedis
import Testing

@testable import Tempest

@Suite("Networks that may be answered directly")
struct AllowedNetworksTests {
    @Test(
        "What lies in a network is allowed, and what is written in an odd way is not read at all",
        arguments: [
            ("10.1.2.3", true), ("10.255.255.255", true), ("11.0.0.0", false), ("[fd00::1]", true), ("[fd01::1]", false),
            ("192.168.1.5", true),
            ("192.168.1.6", false), ("front.internal", true), ("FRONT.internal", true), ("x.front.internal", false),
            ("front", false),
            // An IPv4 address in IPv6 is what it is.
            ("[::ffff:10.0.0.1]", true), ("[::ffff:127.0.0.1]", false), ("[::ffff:7f00:1]", false),
            ("10.1", false), ("0x0a.0.0.1", false), ("012.0.0.1", false), ("167772161", false), ("10.0.0.1.", false),
            ("010.0.0.1", false),
            ("127.0.0.1", false), ("localhost", false), ("[::1]", false), ("0.0.0.0", false), ("[::]", false),
            ("169.254.169.254", false),
            ("[fe80::1]", false), ("224.0.0.1", false), ("255.255.255.255", false), ("", false), ("[]", false), ("fd00::1", true),
        ])
    func allowed(_ host: String, _ isAllowed: Bool) throws {
        let networks = try AllowedNetworks(["10.0.0.0/8", "fd00::/16", "192.168.1.5", "front.internal"])
        #expect((networks.target(host) != nil) == isAllowed)
    }

    @Test(
        "All of the internet holds neither this machine nor link-local nor what carries other addresses",
        arguments: [
            "127.0.0.1", "127.9.9.9", "169.254.169.254", "[::1]", "[fe80::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[::127.0.0.1]", "0.0.0.0", "[::]", "224.0.0.1", "[ff02::1]", "240.0.0.1",
        ])
    func special(_ host: String) throws {
        let all = try AllowedNetworks(["0.0.0.0/0", "::/0"])
        #expect(all.target(host) == nil)
        #expect(all.target("8.8.8.8") == .address("8.8.8.8") && all.target("[2a00::1]") == .address("2a00::1"))
    }

    @Test("0.0.0.0 and :: mean the host that stands for them, if that is allowed")
    func anyHost() throws {
        for host in ["0.0.0.0", "[::]", "::"] {
            #expect(try AllowedNetworks(["127.0.0.1/32"]).target(host) == .address("127.0.0.1"))
            #expect(try AllowedNetworks(["10.0.0.0/8"], anyHost: "10.0.0.5").target(host) == .address("10.0.0.5"))
            #expect(try AllowedNetworks(["front.internal"], anyHost: "Front.internal").target(host) == .name("Front.internal"))
            #expect(try AllowedNetworks(["10.0.0.0/8"]).target(host) == nil)
            #expect(try AllowedNetworks(["fd00::/8"], anyHost: "fd00::5").target(host) == .address("fd00::5"))
        }
    }

    @Test(
        "No host cannot stand for no host, nor can an odd way to write one",
        arguments: ["0.0.0.0", "::", "[::]", "[fd00::5]", "", "127.1", "0x7f.0.0.1", "a b", "front:80"])
    func anyHostIsAHost(_ host: String) {
        let error = #expect(throws: RedisError.self) { try AllowedNetworks(["127.0.0.1/32"], anyHost: host) }
        #expect(error?.message.contains("cannot stand for 0.0.0.0") == true)
    }

    @Test("This machine is allowed when it is named")
    func loopback() throws {
        #expect(AllowedNetworks.loopback.target("127.0.0.1") == .address("127.0.0.1"))
        #expect(AllowedNetworks.loopback.target("[::1]") == .address("::1"))
        #expect(AllowedNetworks.loopback.target("localhost") == nil)
        #expect(try AllowedNetworks(["localhost"]).target("localhost") == .name("localhost"))
        #expect(try AllowedNetworks(["127.0.0.1/32"]).target("127.0.0.2") == nil)
        #expect(try AllowedNetworks(["169.254.0.0/16"]).target("169.254.1.1") != nil)
    }

    @Test(
        "A slip of the pen is an error, not a wider network",
        arguments: [
            "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "fd00::1/16", "10.0.0.0/8/8", "", "a b", "127.1", "0x7f.1",
            "[::1]", "::/129", "1234",
        ])
    func refused(_ entry: String) {
        let error = #expect(throws: RedisError.self) { try AllowedNetworks([entry]) }
        #expect(error?.code == .url && error?.message.contains("is no network") == true)
    }
}
