// TLS against a real redis-server, with certificates that openssl makes for the test.

import TempestTesting
import Testing

@testable import TempestRedis

/// A CA, and certificates that it signed: the server's for 127.0.0.1 and `redis.test`, one for `redis.test` alone, a client's.
struct Certificates {
    let directory: String
    var tls: PrivateRedis.TLS {
        .init(caFile: self["ca.crt"], certificateFile: self["server.crt"], keyFile: self["server.key"])
    }

    subscript(_ file: String) -> String { "\(self.directory)/\(file)" }

    static func make<R>(_ body: (Certificates) async throws -> R) async throws -> R {
        try await withTemporaryDirectory { directory in
            let script = """
                set -e
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x -keyout x.key -out other.crt
                for who in server named client; do
                  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=$who -keyout $who.key -out $who.csr
                  echo "subjectAltName=DNS:redis.test$(test $who = named || echo ,IP:127.0.0.1)" > $who.ext
                  openssl x509 -req -in $who.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile $who.ext -out $who.crt
                done
                """
            try await ProcessRunner("sh", ["-c", script], workingDirectory: directory).run { openssl in
                let status = try await openssl.waitForExit()
                guard status == .exited(0) else {
                    throw RedisError(.tls, "openssl failed: \(openssl.output.joined(separator: "\n"))")
                }
            }
            return try await body(Certificates(directory: directory))
        }
    }
}

@Suite("TLS", .timeLimit(.minutes(2)))
struct TLSTests {
    func failure(_ url: String, patience: Duration = .seconds(60)) async throws -> RedisError? {
        try await withClient(url, patience: patience) { client in
            await #expect(throws: RedisError.self) { _ = try await client.execute(["PING"]) }
        }
    }

    @Test("works with a CA of one's own, by address and by name; whatever is wrong with it is said at once")
    func own() async throws {
        try await Certificates.make { files in
            try await withPrivateRedis(.init(tcp: true, tls: files.tls)) { redis in
                let url = try #require(redis.tlsURL)
                let bare = try #require(url.split(separator: "?").first).description
                for good in [url, url + "&servername=redis.test"] {
                    try await withClient(good) { client in
                        #expect(try await client.execute(["ECHO", "hi"]).string == "hi")
                        let big = [UInt8](repeating: 7, count: 3_000_000)
                        _ = try await client.execute(["SET", "a", RedisArgument(big)])
                        #expect(try await client.execute(["GET", "a"]).bytes == big)
                    }
                }
                let untrusted = try await self.failure(bare)
                #expect(untrusted?.code == .tls)
                #expect(untrusted?.message.contains("cacert") == true)
                #expect(try await self.failure("\(bare)?cacert=\(files["other.crt"])")?.code == .tls)
                let missing = try await self.failure("\(bare)?cacert=\(files["none.crt"])")
                #expect(missing?.code == .tls)
                #expect(missing?.message.contains("none.crt") == true)
                let plain = try #require(redis.tcpURL).replacing("redis://", with: "rediss://")
                let noTLS = try await self.failure(plain, patience: .zero)
                #expect(noTLS?.code == .timedOut)
                #expect(noTLS?.message.contains("speak no TLS") == true)
                let onlyTLS = try await self.failure(bare.replacing("rediss://", with: "redis://"), patience: .zero)
                #expect(onlyTLS?.code == .connectionLost)
                #expect(onlyTLS?.message.contains("rediss://") == true)
            }
        }
    }

    @Test("compares the certificate with the name of the URL")
    func names() async throws {
        try await Certificates.make { files in
            let tls = PrivateRedis.TLS(
                caFile: files["ca.crt"], certificateFile: files["named.crt"], keyFile: files["named.key"])
            try await withPrivateRedis(.init(tls: tls)) { redis in
                let url = try #require(redis.tlsURL)
                let reply = try await withClient(url + "&servername=redis.test") { try await $0.execute(["PING"]) }
                #expect(reply == .status("PONG"))
                for misnamed in [url, url + "&servername=other.test"] {
                    let error = try await self.failure(misnamed)
                    #expect(error?.code == .tls)
                    #expect(error?.message.contains("servername") == true)
                }
            }
        }
    }

    @Test("shows the server our certificate when it asks for one")
    func clientCertificate() async throws {
        try await Certificates.make { files in
            var tls = files.tls
            tls.asksClients = true
            try await withPrivateRedis(.init(tls: tls)) { redis in
                let url = try #require(redis.tlsURL)
                let shown = "\(url)&cert=\(files["client.crt"])&key=\(files["client.key"])"
                let reply = try await withClient(shown) { try await $0.execute(["PING"]) }
                #expect(reply == .status("PONG"))
                let without = try await self.failure(url)
                #expect(without?.code == .tls)
                #expect(without?.message.contains("client certificate") == true)
                let mismatched = try await self.failure("\(url)&cert=\(files["client.crt"])&key=\(files["server.key"])")
                #expect(mismatched?.code == .tls)
            }
        }
    }
}
