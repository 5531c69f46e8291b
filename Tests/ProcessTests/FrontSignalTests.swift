// `tempest front` as a process: reload, lame duck, check of its file, and what systemd hands it and hears of it.

import Foundation
import Tempest
import TempestTesting
import Testing

@Suite("Signals to a front, and what systemd gives it", .timeLimit(.minutes(3)))
struct FrontSignalTests {
    private typealias Running = FrontTests.Running

    private func file(_ text: String, in folder: String, as name: String = "front.yaml") throws -> String {
        let path = "\(folder)/\(name)"
        // At once, as editors do: it is never half there.
        try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        return path
    }

    private func certificate(_ name: String, in folder: String) async throws {
        let words = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
            "/CN=\(name)", "-keyout", "front.key", "-out", "front.crt",
        ]
        try await ProcessRunner("openssl", words, workingDirectory: folder).run { _ = try await $0.waitForExit() }
    }

    private func served(_ port: Int) async throws -> String {
        let script = "openssl s_client -connect 127.0.0.1:\(port) </dev/null 2>/dev/null | openssl x509 -noout -subject"
        return try await ProcessRunner("sh", ["-c", script]).run { child in
            _ = try await child.waitForExit()
            return child.output.joined()
        }
    }

    @Test("SIGHUP takes the file over; with a mistake in it the old one stays, and the log has file and line")
    func reload() async throws {
        try await withTemporaryDirectory { folder in
            let path = try file("files: \(folder)\nlame: 0\nroutes: [{path: /api/*, queue: pages}]", in: folder)
            try Data("one".utf8).write(to: URL(fileURLWithPath: "\(folder)/a.txt"))
            try await withPrivateRedis { redis in
                try await Running.run(["--config", path], redis: redis) { front in
                    #expect(try await front.get("/a.txt").output == ["one", "200"])
                    _ = try file("routes: [{path: /other/*, queue: pages}]", in: folder)
                    try front.child.send(.hangUp)
                    try await front.child.waitForLine { $0.contains("the configuration was reloaded") }
                    #expect(try await front.status("/a.txt") == 404)
                    _ = try file("routes:\n  - {path: /x, queue: pages, colour: red}", in: folder)
                    try front.child.send(.hangUp)
                    let line = try await front.child.waitForLine { $0.contains("was not reloaded") }
                    #expect(line.contains("front.yaml, line 2") && line.contains("colour"), "\(line)")
                    #expect(try await front.status("/a.txt") == 404)
                    _ = try file("listen: '127.0.0.1:1'\nfiles: \(folder)\nlame: 0\nroutes: []", in: folder)
                    try front.child.send(.hangUp)
                    try await front.child.waitForLine { $0.contains("the configuration was reloaded") }
                    #expect(try await front.get("/a.txt").output == ["one", "200"])
                    try front.child.send(.terminate)
                    #expect(try await front.child.waitForExit(within: .seconds(10)) == .exited(0))
                }
            }
        }
    }

    @Test("Without a file SIGHUP exchanges the certificate; one that is not its key's is refused, and the old one stays")
    func certificates() async throws {
        try await withTemporaryDirectory { folder in
            try await certificate("first", in: folder)
            try await withPrivateRedis { redis in
                let words = ["--route", "/*=pages", "--tls-cert", "\(folder)/front.crt", "--tls-key", "\(folder)/front.key"]
                try await Running.run(words, redis: redis) { front in
                    #expect(try await served(front.port).contains("first"))
                    try await certificate("second", in: folder)
                    #expect(try await served(front.port).contains("first"))
                    try front.child.send(.hangUp)
                    try await front.child.waitForLine { $0.contains("the configuration was reloaded") }
                    #expect(try await served(front.port).contains("second"))
                    let key = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/front.key"))
                    try await certificate("third", in: folder)
                    try key.write(to: URL(fileURLWithPath: "\(folder)/front.key"))
                    try front.child.send(.hangUp)
                    let line = try await front.child.waitForLine { $0.contains("was not reloaded") }
                    #expect(line.contains("belongs to another certificate"), "\(line)")
                    #expect(try await served(front.port).contains("second"))
                }
            }
        }
    }

    @Test("SIGTERM makes it a lame duck for the time that is said; a second SIGTERM ends it at once, SIGINT needs no patience")
    func lame() async throws {
        try await withPrivateRedis { redis in
            let words = ["--sub", "news", "--lame", "30", "--grace", "60"]
            try await Running.run(words, redis: redis) { front in
                try await eventually("ready") { try await front.status("/readyz") == 200 }
                try front.child.send(.terminate)
                try await eventually("not ready") { try await front.status("/readyz") == 503 }
                #expect(try await front.status("/healthz") == 200)
                #expect(front.child.exitStatus == nil)
                try front.child.send(.terminate)
                #expect(try await front.child.waitForExit(within: .seconds(5)) == .exited(0))
            }
            try await Running.run(words, redis: redis) { front in
                try front.child.send(.interrupt)
                #expect(try await front.child.waitForExit(within: .seconds(5)) == .exited(0))
            }
        }
    }

    @Test("--check says that a file is fine, or what is wrong and where, without Redis")
    func check() async throws {
        try await withTemporaryDirectory { folder in
            try await certificate("first", in: folder)
            let tls = "tls: {certificate: \(folder)/front.crt, key: \(folder)/front.key}"
            let good = try file("\(tls)\nfiles: \(folder)\nroutes: [{path: /a, queue: pages}]", in: folder)
            for words in [["--check", good], ["--config", good, "--check"]] {
                let (status, output) = try await Program.run(["front"] + words)
                #expect(status == .exited(0) && output == ["\(good) is fine"], "\(output)")
            }
            let bad = [
                ("lisen: x", "line 1"), ("listen: here\nfiles: \(folder)", "line 1"),
                ("routes: [{path: /a, queue: q}]\nfiles: \(folder)/none", "line 2"),
                (
                    "routes:\n  - {path: /a, queue: q}\n  - {path: /b, queue: q}\n  - {path: /a, queue: r}",
                    "line 4: two routes for /a"
                ),
                ("routes:\n  - {path: /a, queue: q, user: true}", "line 2"), ("body: 0", "line 1"),
                ("grace: 3\nlame: -1", "line 2"), ("sub: 'a b'", "line 1"), ("sessions: {idle: 100, absolute: 10}", "line 1"),
                ("body: 5\nuploads: {folder: /dev/null}", "line 2"), ("mode: 999", "line 1"),
                ("listen: [':1', ':1']", "line 1"),
                ("tls: {certificate: \(folder)/front.key, key: \(folder)/front.crt}", "exchanged"),
                ("body: 3", "name a route"),
            ]
            for (text, part) in bad {
                let path = try file(text, in: folder, as: "bad.yaml")
                let (status, output) = try await Program.run(["front", "--check", path])
                #expect(status == .exited(64) && output.joined(separator: "\n").contains(part), "\(text): \(output)")
            }
        }
    }

    @Test("A taken port is said with its number, and two fronts share one if both want to")
    func ports() async throws {
        try await withPrivateRedis { redis in
            try await Running.run(["--route", "/*=pages", "--reuse-port"], redis: redis) { front in
                let (status, output) = try await Program.run(
                    ["front", "--route", "/*=pages", "--listen", "127.0.0.1:\(front.port)"], redis: redis)
                #expect(status == .exited(64), "\(output)")
                #expect(output.joined().contains("cannot listen on 127.0.0.1:\(front.port): another process listens there"))
                let words = ["front", "--route", "/*=pages", "--reuse-port", "--listen", "127.0.0.1:\(front.port)"]
                try await Program.runner(words, redis: redis).run { other in
                    try await other.waitForLine { $0.contains("listening on 127.0.0.1:\(front.port)") }
                    try front.child.send(.terminate)
                    #expect(try await front.child.waitForExit(within: .seconds(10)) == .exited(0))
                    #expect(try await front.status("/healthz") == 200, "the other one answers")
                }
            }
        }
    }

    /// A manager: opens two sockets with these names, starts a front with them, and prints what it is told.
    private static let manager = """
        import os, signal, socket, subprocess, sys, threading
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.bind("\\0tempest-test-%d" % os.getpid())
        tcp = socket.create_server(("127.0.0.1", 0))
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(sys.argv[2] + "/s")
        unix.listen()
        pid = os.fork()
        if pid == 0:
            os.dup2(tcp.fileno(), 103); os.dup2(unix.fileno(), 104)
            os.dup2(103, 3); os.dup2(104, 4)
            os.closerange(5, 200)
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES=sys.argv[3])
            os.environ.update(NOTIFY_SOCKET="@tempest-test-%d" % os.getppid())
            os.execv(sys.argv[1], [sys.argv[1], "front", "--sub", "news", "--listen", "127.0.0.1:1", *sys.argv[4:]])
        # In one piece each: the front writes its log to the same pipe.
        os.write(1, b"port %d\\n" % tcp.getsockname()[1])
        def pump():
            while (word := told.recv(4096)) != b"no more": os.write(1, b"told " + word.replace(b"\\n", b" ") + b"\\n")
        pumping = threading.Thread(target=pump)
        pumping.start()
        signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
        signal.signal(signal.SIGHUP, lambda *_: os.kill(pid, signal.SIGHUP))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        # What it was told last is said before.
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"no more", told.getsockname())
        pumping.join()
        os.write(1, b"ended %d\\n" % code)
        """

    @Test("Sockets that are handed over are used, and the manager hears that it is ready, reloads and stops")
    func systemd() async throws {
        try await withTemporaryDirectory { folder in
            let script = try file(Self.manager, in: folder, as: "manager.py")
            try await withPrivateRedis { redis in
                let runner = ProcessRunner(
                    "/usr/bin/python3", [script, try Program.path, folder, "web:web"], environment: ["REDIS_URL": redis.url])
                try await runner.run { child in
                    let line = try await child.waitForLine { $0.hasPrefix("port ") }
                    let port = try #require(Int(line.dropFirst(5)))
                    try await eventually(within: .seconds(30), "READY=1") {
                        child.output.contains { $0.hasPrefix("told READY=1") }
                    }
                    let curl = [
                        "-sS", "http://127.0.0.1:\(port)/healthz", "--next", "--unix-socket", "\(folder)/s", "http://x/healthz",
                    ]
                    let output = try await ProcessRunner("curl", curl).run { curl in
                        _ = try await curl.waitForExit()
                        return curl.output
                    }
                    #expect(output == ["ok", "ok"])
                    try child.send(.hangUp)
                    try await eventually("the end of the reload") {
                        let told = child.output.filter { $0.hasPrefix("told ") }
                        return told.count >= 3 && told[1].contains("RELOADING=1 MONOTONIC_USEC=") && told[2].contains("READY=1")
                    }
                    try child.send(.terminate)
                    try await eventually(within: .seconds(10), "the end") { child.output.contains("ended 0") }
                    #expect(child.output.contains { $0.hasPrefix("told STOPPING=1") }, "\(child.output)")
                    #expect(FileManager.default.fileExists(atPath: "\(folder)/s"), "the manager's file stays")
                }
            }
        }
    }

    @Test("A socket that is handed over by the name `redirect` sends browsers to https; without a certificate that is refused")
    func redirect() async throws {
        try await withTemporaryDirectory { folder in
            let script = try file(Self.manager, in: folder, as: "manager.py")
            let openssl = [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=front",
                "-keyout", "key.pem", "-out", "cert.pem",
            ]
            try await ProcessRunner("openssl", openssl, workingDirectory: folder).run { _ = try await $0.waitForExit() }
            try await withPrivateRedis { redis in
                let words = [script, try Program.path, folder, "web:redirect"]
                let secure = ["--tls-cert", "\(folder)/cert.pem", "--tls-key", "\(folder)/key.pem"]
                let runner = ProcessRunner("/usr/bin/python3", words + secure, environment: ["REDIS_URL": redis.url])
                try await runner.run { child in
                    let line = try await child.waitForLine { $0.hasPrefix("port ") }
                    try await eventually(within: .seconds(30), "READY=1") {
                        child.output.contains { $0.hasPrefix("told READY=1") }
                    }
                    let curl = [
                        "-sS", "-w", "%{http_code} %{redirect_url}\n", "--unix-socket", "\(folder)/s", "http://127.0.0.1/a",
                    ]
                    let output = try await ProcessRunner("curl", curl).run { curl in
                        _ = try await curl.waitForExit()
                        return curl.output
                    }
                    #expect(output == ["301 https://127.0.0.1:\(line.dropFirst(5))/a"])
                    try child.send(.terminate)
                    try await eventually(within: .seconds(10), "the end") { child.output.contains("ended 0") }
                }
                try FileManager.default.removeItem(atPath: "\(folder)/s")
                try await ProcessRunner("/usr/bin/python3", words, environment: ["REDIS_URL": redis.url]).run { child in
                    try await eventually(within: .seconds(30), "the end") { child.output.contains("ended 64") }
                    #expect(child.output.contains { $0.contains("set `tls`") }, "\(child.output)")
                }
            }
        }
    }

    @Test("Its soft limit of open files is raised; where the hard one is reached it waits, says so once, and goes on")
    func descriptors() async throws {
        try await withPrivateRedis { redis in
            let path = try Program.path
            for (limit, isShort) in [("-Sn 60", false), ("-n 60", true)] {
                let script = "ulimit \(limit); exec \(path) front --sub news --listen 127.0.0.1:0"
                let runner = ProcessRunner("sh", ["-c", script], environment: ["REDIS_URL": redis.url])
                try await runner.run { child in
                    let line = try await child.waitForLine { $0.contains("listening on 127.0.0.1:") }
                    let port = try #require(line.split(separator: ":").last.flatMap { Int($0.prefix { $0.isNumber }) })
                    let crowd = """
                        import socket, sys, time
                        def ticks():
                            words = open("/proc/\(child.processID)/stat").read().rsplit(")", 1)[1].split()
                            return int(words[11]) + int(words[12])
                        crowd = [socket.create_connection(("127.0.0.1", \(port))) for _ in range(90)]
                        time.sleep(3)
                        before = ticks()
                        time.sleep(2)
                        used = ticks() - before
                        for one in crowd: one.close()
                        answer = socket.create_connection(("127.0.0.1", \(port)), timeout=15)
                        answer.sendall(b"GET /healthz HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n")
                        print(answer.recv(100).split()[1].decode(), used)
                        """
                    let output = try await ProcessRunner("/usr/bin/python3", ["-c", crowd]).run { python in
                        _ = try await python.waitForExit(within: .seconds(40))
                        return python.output
                    }
                    let words = output.joined().split(separator: " ")
                    #expect(words.first == "200", "\(output)")
                    // Of 200 in two seconds: a front that spins uses at least a quarter, on however busy a machine.
                    #expect((words.last.flatMap { Int($0) } ?? 200) < 30, "\(output)")
                    let said = child.output.count { $0.contains("new connections wait until others close") }
                    #expect(said == (isShort ? 1 : 0), "\(child.output)")
                    guard isShort else { return }
                    try await child.waitForLine { $0.contains("new connections are accepted again") }
                }
            }
        }
    }
}
