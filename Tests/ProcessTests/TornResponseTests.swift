// What other programs make of a response that breaks in the middle: none may take a part of it for the whole.

import Foundation
import Logging
import Tempest
import TempestTesting
import Testing

@Suite("A response that breaks, and other programs", .timeLimit(.minutes(3)))
struct TornResponseTests {
    private static let script = """
        import http2 from "node:http2"
        import { pipeline } from "node:stream/promises"
        import { Writable } from "node:stream"
        const client = http2.connect(process.argv[2], { rejectUnauthorized: false })
        for (const path of ["/whole", "/stream", "/torn", "/short"]) {
          const sink = new Writable({ write(chunk, encoding, done) { done() } })
          try {
            await pipeline(client.request({ ":path": path }), sink)
            console.log(path, "resolved")
          } catch (error) {
            console.log(path, "rejected", error.code)
          }
        }
        client.close()
        """

    /// Runs a front of the settings before a worker; the body gets its port.
    private func run<R: Sendable>(_ settings: String, folder: String, _ body: (Int) async throws -> R) async throws -> R {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try await withPrivateRedis { redis in
            let worker = try Worker(queues: ["pages"], redis: RedisConfiguration(url: redis.url), logger: logger)
            worker.handle("url") { (context: JobContext, request: WebRequest) -> WebAnswer? in
                switch request.path {
                case "/whole": return WebAnswer(text: String(repeating: "w", count: 1000))
                case "/short": return WebAnswer(headers: [("content-length", "1000")], body: "half".utf8)
                default:
                    try await context.send(WebAnswer(body: String(repeating: "s", count: 100_000).utf8))
                    // So that the first half is on its way before the end.
                    try await Task.sleep(for: .milliseconds(100))
                    if request.path == "/torn" { throw HandlerError(message: "no more") }
                    try await context.send("end")
                    return nil
                }
            }
            try "\(settings)\nlisten: 127.0.0.1:0\nroutes:\n- {path: '/*', queue: pages}\n"
                .write(toFile: "\(folder)/front.yaml", atomically: true, encoding: .utf8)
            return try await withRunning(worker) {
                try await Program.runner(["front", "--config", "\(folder)/front.yaml"], redis: redis).run { child in
                    let line = try await child.waitForLine { $0.contains("listening on 127.0.0.1:") }
                    let digits = line.ranges(of: "127.0.0.1:").last.map { line[$0.upperBound...].prefix { $0.isNumber } } ?? ""
                    return try await body(try #require(Int(digits), "\(line)"))
                }
            }
        }
    }

    private func output(_ program: String, _ words: [String]) async throws -> (status: TempestTesting.ExitStatus, lines: [String])
    {
        try await ProcessRunner(program, words).run { child in
            let status = try await child.waitForExit(within: .seconds(60))
            return (status, child.output)
        }
    }

    @Test("nginx, which asks with HTTP/1.0, tells its client that something is missing")
    func proxied() async throws {
        try await withTemporaryDirectory { folder in
            try await run("", folder: folder) { port in
                let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(folder)/\($0);" }
                let settings = """
                    daemon off; master_process off; pid \(folder)/nginx.pid; error_log stderr;
                    events {}
                    http {
                      access_log off; \(temporary.joined(separator: " "))
                      server { listen unix:\(folder)/nginx.sock; location / { proxy_pass http://127.0.0.1:\(port); } }
                    }
                    """
                try settings.write(toFile: "\(folder)/nginx.conf", atomically: true, encoding: .utf8)
                let nginx = ProcessRunner("/usr/sbin/nginx", ["-c", "\(folder)/nginx.conf", "-e", "stderr"])
                try await nginx.run { _ in
                    try await eventually("nginx listens") { FileManager.default.fileExists(atPath: "\(folder)/nginx.sock") }
                    for (path, isWhole) in [("/whole", true), ("/stream", true), ("/torn", false), ("/short", false)] {
                        let words = ["-sS", "-m", "30", "-o", "/dev/null", "--unix-socket", "\(folder)/nginx.sock"]
                        let (status, lines) = try await output("curl", words + ["http://front\(path)"])
                        #expect((status == .exited(0)) == isWhole, "\(path): \(status) \(lines)")
                    }
                }
            }
        }
    }

    @Test("ab -k is answered on connections that are kept, and where the length is not known on new ones")
    func kept() async throws {
        try await withTemporaryDirectory { folder in
            try await run("access_log: false", folder: folder) { port in
                for (path, kept) in [("/whole", "40"), ("/stream", "0")] {
                    let words = ["-k", "-q", "-n", "40", "-c", "4", "-s", "20", "http://127.0.0.1:\(port)\(path)"]
                    let (status, lines) = try await output("ab", words)
                    #expect(status == .exited(0), "\(lines)")
                    func number(_ name: String) -> String? {
                        lines.first { $0.hasPrefix(name) }?.split(separator: " ").last.map { String($0) }
                    }
                    #expect(number("Complete requests:") == "40" && number("Failed requests:") == "0", "\(lines)")
                    #expect(number("Keep-Alive requests:") == kept, "\(path): \(lines)")
                }
            }
        }
    }

    @Test("Node's pipeline of an HTTP/2 response that breaks is rejected")
    func pipelined() async throws {
        try await withTemporaryDirectory { folder in
            let key = [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                "/CN=localhost", "-keyout", "\(folder)/key.pem", "-out", "\(folder)/cert.pem",
            ]
            #expect(try await output("openssl", key).status == .exited(0))
            try Self.script.write(toFile: "\(folder)/pipeline.mjs", atomically: true, encoding: .utf8)
            try await run("tls: {certificate: \(folder)/cert.pem, key: \(folder)/key.pem}", folder: folder) { port in
                let (_, lines) = try await output("node", ["\(folder)/pipeline.mjs", "https://127.0.0.1:\(port)"])
                #expect(lines.contains("/whole resolved") && lines.contains("/stream resolved"), "\(lines)")
                #expect(lines.contains { $0.hasPrefix("/torn rejected") } && lines.contains { $0.hasPrefix("/short rejected") })
            }
        }
    }
}
