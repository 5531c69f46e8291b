import Foundation
import TempestTesting
import Testing

@testable import TempestFront

@Suite("Where a front listens")
struct ListeningTests {
    @Test("Addresses are read strictly")
    func addresses() throws {
        let good: [(String, ListenAddress)] = [
            (":8080", .tcp(host: "", port: 8080)), ("localhost:0", .tcp(host: "localhost", port: 0)),
            ("[::1]:80", .tcp(host: "::1", port: 80)), ("unix:/run/t.sock", .unix(path: "/run/t.sock")),
        ]
        for (text, address) in good {
            #expect(try ListenAddress(text) == address)
            #expect(address.description == text)
        }
        for text in ["", "8080", "here", ":x", ":65536", "::1:80", "unix:", "unix:/" + String(repeating: "a", count: 120)] {
            #expect(throws: FrontConfigurationError.self, "\(text)") {
                let address = try ListenAddress(text)
                _ = address
            }
        }
        var configuration = FrontConfiguration()
        #expect(throws: FrontConfigurationError.self) {
            let addresses = [":1", ":1"]
            try configuration.listen(on: addresses)
        }
    }

    @Test("All addresses are IPv6 and IPv4, with one port")
    func all() throws {
        let sockets = try ListeningSocket.open(.tcp(host: "", port: 0), options: ListenOptions())
        defer { for socket in sockets { socket.close() } }
        let ports = Set(sockets.map { SocketName.port(of: $0.descriptor) })
        #expect(ports.count == 1)
        #expect(sockets.contains { $0.address.hasPrefix("0.0.0.0:") })
        #expect(sockets.count == 2 ? sockets[0].address.hasPrefix("[::]:") : sockets.count == 1)
    }

    @Test("A port that is taken is named, with what to do; two that both reuse it share it")
    func taken() throws {
        let first = try ListeningSocket.open(.tcp(host: "127.0.0.1", port: 0), options: ListenOptions())[0]
        defer { first.close() }
        let port = try #require(SocketName.port(of: first.descriptor))
        for address in [ListenAddress.tcp(host: "127.0.0.1", port: port), .tcp(host: "", port: port)] {
            let error = #expect(throws: FrontConfigurationError.self) {
                for socket in try ListeningSocket.open(address, options: ListenOptions()) { socket.close() }
            }
            let message = error?.description ?? ""
            #expect(message.contains(":\(port)") && message.contains("another process listens there"), "\(message)")
        }
        let shared = ListenOptions(reusesPort: true)
        let one = try ListeningSocket.open(.tcp(host: "127.0.0.1", port: 0), options: shared)[0]
        defer { one.close() }
        let number = try #require(SocketName.port(of: one.descriptor))
        try ListeningSocket.open(.tcp(host: "127.0.0.1", port: number), options: shared)[0].close()
    }

    @Test("A host that is not known and an address that is not ours are said")
    func unknown() {
        for (host, part) in [("no.such.host.invalid", "is not known"), ("192.0.2.1", "no such address")] {
            let error = #expect(throws: FrontConfigurationError.self) {
                for socket in try ListeningSocket.open(.tcp(host: host, port: 0), options: ListenOptions()) { socket.close() }
            }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
    }

    @Test("A unix socket: the file of a dead front is replaced, one that somebody answers on stays, another file too")
    func unix() async throws {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/t.sock"
            let options = ListenOptions(socketMode: 0o640)
            let first = try ListeningSocket.open(.unix(path: path), options: options)[0]
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o640)
            let error = #expect(throws: FrontConfigurationError.self) {
                try ListeningSocket.open(.unix(path: path), options: options)[0].close()
            }
            #expect(error?.description.contains("another process listens there") == true)
            // Killed: the descriptor is closed, and the file is still there.
            close(first.descriptor)
            let second = try ListeningSocket.open(.unix(path: path), options: options)[0]
            // A successor's file is not removed by the predecessor's end.
            first.file?.remove()
            #expect(FileManager.default.fileExists(atPath: path))
            second.close()
            #expect(!FileManager.default.fileExists(atPath: path))
            try write("precious", to: path)
            #expect(throws: FrontConfigurationError.self) {
                try ListeningSocket.open(.unix(path: path), options: options)[0].close()
            }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
            let nowhere = #expect(throws: FrontConfigurationError.self) {
                try ListeningSocket.open(.unix(path: "\(folder)/none/t.sock"), options: options)[0].close()
            }
            #expect(nowhere?.description.contains("The folder must exist") == true)
        }
    }

    @Test("A front serves on several addresses, a unix socket among them")
    func several() async throws {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/t.sock"
            try await RunningFront.run {
                $0.addresses = [.tcp(host: "127.0.0.1", port: 0), .unix(path: path)]
            } _: { front in
                #expect(try await front.get("/healthz").status == 200)
                let words = ["-sS", "--unix-socket", path, "http://front/healthz"]
                let output = try await ProcessRunner("curl", words).run { curl in
                    _ = try await curl.waitForExit()
                    return curl.output
                }
                #expect(output == ["ok"])
            }
            #expect(!FileManager.default.fileExists(atPath: path), "its file is removed at the end")
        }
    }

    @Test("Certificates and keys that cannot be used are told apart")
    func certificates() async throws {
        try await withTemporaryDirectory { folder in
            try await withTemporaryDirectory { elsewhere in
                let one = try await Certificate.make(in: folder)
                let other = try await Certificate.make(in: elsewhere)
                try write("hello", to: "\(folder)/text")
                try write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", to: "\(folder)/damaged")
                try write("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", to: "\(folder)/broken")
                var configuration = FrontConfiguration()
                try configuration.secure(certificate: one.file, key: one.key)
                let bad: [(String, String, String)] = [
                    ("\(folder)/none", one.key, "No such file"), (one.file, "\(folder)/none", "No such file"),
                    ("\(folder)/text", one.key, "not a PEM file with a certificate"),
                    (one.file, "\(folder)/text", "not a PEM file with a private key"), (one.key, one.file, "exchanged?"),
                    (one.file, other.key, "belongs to another certificate"), ("\(folder)/damaged", one.key, "is damaged"),
                    (one.file, "\(folder)/broken", "is damaged"), (folder, one.key, "directory"),
                ]
                for (certificate, key, part) in bad {
                    let error = #expect(throws: FrontConfigurationError.self) {
                        let files = CertificateFiles(certificate: certificate, key: key)
                        _ = try files.read()
                    }
                    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
                }
            }
        }
    }
}
