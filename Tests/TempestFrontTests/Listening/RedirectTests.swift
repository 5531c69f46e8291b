import Foundation
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

@Suite("The port that sends browsers to https", .timeLimit(.minutes(2)))
struct RedirectTests {
    /// Runs a front by TLS that listens for plain HTTP on a unix socket, and asks that.
    private static func run(
        port: Int? = nil, files: Bool = false,
        _ body: (RunningFront, (_ path: String, _ words: String...) async throws -> [String]) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { place in
            let challenges = "\(place)/public/.well-known/acme-challenge"
            try FileManager.default.createDirectory(atPath: challenges, withIntermediateDirectories: true)
            try write("another file", to: "\(place)/public/x")
            try write("the page", to: "\(place)/public/index.html")
            try write("token", to: "\(challenges)/abc")
            let socket = "\(place)/plain.sock"
            try await Curl.run {
                $0.redirect = try SecureRedirect(listen: ["unix:\(socket)"], port: port)
                if files { $0.files = StaticFilesOptions(folder: "\(place)/public") }
                $0.files?.fallback = "index.html"
            } handlers: { worker in
                worker.handle("url") { (_: JobContext, request: WebRequest) in
                    WebAnswer(text: "\(request.method) \(request.scheme ?? "") \(String(decoding: request.body, as: UTF8.self))")
                }
            } _: { curl, _ in
                try await body(curl.front) { path, words in
                    let common = [
                        "-sS", "--max-time", "30", "--unix-socket", socket, "--path-as-is", "-w",
                        "\n%{http_code} %header{location}",
                    ]
                    let runner = ProcessRunner("curl", common + words + ["http://shop.example\(path)"])
                    let (status, output) = try await runner.run { curl in
                        (try await curl.waitForExit(within: .seconds(40)), curl.output)
                    }
                    #expect(status == .exited(0))
                    return output
                }
            }
        }
    }

    @Test("Everything is sent to the same place by https, with its query; what has a body keeps its method")
    func everything() async throws {
        try await Self.run { front, ask async throws in
            let place = "https://shop.example:\(front.port)"
            #expect(try await ask("/a%20b/c?d=%2F&e").last == "301 \(place)/a%20b/c?d=%2F&e")
            #expect(try await ask("/", "-I").last == "301 \(place)/")
            #expect(try await ask("/pay", "-d", "sum=1").last == "308 \(place)/pay")
            #expect(try await ask("/x", "-X", "DELETE").last == "308 \(place)/x")
            #expect(try await ask("/x", "-H", "Host: other.example:8080").last == "301 https://other.example:\(front.port)/x")
            #expect(try await ask("/x", "-H", "Host: [::1]:80").last == "301 https://[::1]:\(front.port)/x")
            // Not another host's: a browser would take what follows two slashes for one, had the host not been said.
            #expect(try await ask("//evil.example/").last == "301 \(place)//evil.example/")
            #expect(try await ask("/.well-known/acme-challenge/abc").last == "301 \(place)/.well-known/acme-challenge/abc")
            #expect(try await front.client.statistics(QueueName("pages")).waiting == 0)
        }
    }

    @Test("A port of its own is named; that of https is not")
    func port() async throws {
        for (port, place) in [(443, "https://shop.example/"), (8443, "https://shop.example:8443/")] {
            try await Self.run(port: port) { _, ask async throws in
                let output = try await ask("/")
                #expect(output.last == "301 \(place)")
            }
        }
    }

    @Test("What does not say where it wants to go is told so")
    func nowhere() async throws {
        try await Self.run { _, ask async throws in
            #expect(try await ask("/", "--http1.0", "-H", "Host:").last == "400 ")
            #expect(try await ask("/", "-H", "Host: :80").last == "400 ")
            #expect(try await ask("/", "-X", "OPTIONS", "--request-target", "*").last == "400 ")
        }
    }

    @Test("What a certificate authority asks for comes from the files; no other file does")
    func challenge() async throws {
        try await Self.run(files: true) { front, ask async throws in
            #expect(try await ask("/.well-known/acme-challenge/abc") == ["token", "200 "])
            let place = "https://shop.example:\(front.port)"
            let outside = ["../../x", "%2e%2e/%2e%2e/x", "..%2f..%2fx", "%252e%252e/%252e%252e/x", "none", ""].map {
                "/.well-known/acme-challenge/\($0)"
            }
            for path in outside + ["/", "/x"] {
                #expect(try await ask(path, "-H", "Accept: text/html").last == "301 \(place)\(path)")
            }
        }
    }

    @Test("In the file: an address, a list or a map; never without a certificate")
    func file() async throws {
        try await withTemporaryDirectory { folder in
            let certificate = try await Certificate.make(in: folder)
            let tls = "tls: {certificate: \(certificate.file), key: \(certificate.key)}"
            func read(_ text: String) throws -> FrontConfiguration {
                let configuration = try FrontFile.read("routes: [{path: /*, queue: pages}]\n\(text)\n", file: "f.yaml")
                try configuration.check()
                return configuration
            }
            let one = try SecureRedirect(listen: [":80"])
            let two = try SecureRedirect(listen: ["0.0.0.0:80", "[::]:80"], port: 443)
            #expect(try read("\(tls)\nredirect: :80").redirect == one)
            #expect(try read("\(tls)\nredirect: {listen: ['0.0.0.0:80', '[::]:80'], port: 443}").redirect == two)
            for (text, part) in [
                ("redirect: :80", "set `tls`"),
                ("\(tls)\nredirect: 80", "f.yaml, line 3: \"80\" is not an address"),
                ("\(tls)\nredirect: {port: 443}", "`redirect` names no address"),
                ("\(tls)\nredirect: {listen: ':80', to: 1}", "there is no setting \"to\""),
            ] {
                let error = #expect(throws: FrontConfigurationError.self) { _ = try read(text) }
                #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
            }
        }
    }
}
