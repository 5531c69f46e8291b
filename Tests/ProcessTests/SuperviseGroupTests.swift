import Foundation
import Tempest
import TempestTesting
import Testing

/// Whether this user may make a namespace of processes.
enum Namespaces {
    static let areAllowed: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        process.arguments = ["--pid", "--fork", "--mount-proc", "true"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}

@Suite("supervise, and what workers start themselves")
struct SuperviseGroupTests {
    @Test(
        "As PID 1 it reaps what workers leave behind, and still sees how its workers end",
        .enabled(if: Namespaces.areAllowed, "unshare (util-linux) and root are needed to be PID 1"))
    func init1() async throws {
        let script = """
            for i in 1 2 3 4 5; do (setsid sleep 0.1 &); done
            sleep 0.5; echo forked; exit 3
            """
        try await withPrivateRedis { server in
            let runner = ProcessRunner(
                "unshare",
                [
                    "--pid", "--fork", "--kill-child", "--mount-proc", try Program.path, "supervise", "--name", "w", "--", "sh",
                    "-c", script,
                ],
                environment: ["REDIS_URL": server.url, "NO_COLOR": "1"])
            try await runner.run { outer in
                _ = try await outer.waitForLine { $0.contains("| forked") }
                let supervisor = try #require(try SystemProcess.children(of: outer.processID).values.joined().first)
                for _ in 0..<3 {
                    let forks = outer.output.count { $0.contains("| forked") }
                    try await eventually("its worker was started again") {
                        outer.output.count { $0.contains("| forked") } > forks
                    }
                    try await eventually("nobody of them is left") {
                        try SystemProcess.children(of: supervisor).values.joined().allSatisfy { SystemProcess.state($0) != "Z" }
                    }
                }
                #expect(outer.output.count { $0.contains("w.1 ended with status 3") } >= 3)
                #expect(!outer.output.contains { $0.contains("could not be started") })
                kill(supervisor, SIGTERM)
                #expect(try await outer.waitForExit() == .exited(0))
            }
        }
    }

    @Test("A worker behind a shell has its grace: the shell ends at SIGTERM, and the worker gets one of its own")
    func shell() async throws {
        try await Supervision.run(["--name", "w", "--", "sh", "-c", #""$0" demo-worker q; exit 1"#, "%T"]) { run in
            _ = try await run.line("ready: 1 worker")
            try await run.client.push("sleep", 1, queue: "q")
            try await eventually("it runs the job") { try await run.holders().count == 1 }
            #expect(try await run.terminate() == .exited(0))
            _ = try await run.line("w.1 was killed by SIGTERM, but processes that it has started still run: SIGTERM to them")
            let statistics = try await run.client.statistics(QueueName("q"))
            #expect(statistics.settled == 1 && statistics.running == 0 && statistics.waiting == 0)
            #expect(statistics.counts["returned"] ?? 0 == 0, "it was not given back: its handler has finished")
            #expect(try await run.registered().isEmpty)
        }
    }

    @Test("What a worker has started gets no SIGTERM while the worker itself finishes; what it leaves is asked, and then killed")
    func children() async throws {
        let child = #"trap "echo child asked" TERM; echo child ready; while :; do sleep 0.05; done"#
        let script = """
            import os, subprocess, signal, sys
            # In one piece: its child writes to the same pipe.
            def say(word): os.write(1, word.encode() + b"\\n")
            child = subprocess.Popen(["sh", "-c", sys.argv[1]])
            def end(*_):
                say("worker asked")
                try: child.wait(0.5)
                except subprocess.TimeoutExpired: say("worker done")
                sys.exit(0)
            signal.signal(signal.SIGTERM, end)
            say("worker ready")
            while True: signal.pause()
            """
        let plan = """
            workers:
              - name: w
                command: [/usr/bin/python3, -c, \(quoted(script)), \(quoted(child))]
                grace: 2
            """
        try await Supervision.run([], plan: plan) { run in
            _ = try await run.line("child ready")
            // Its child may be quicker than it is.
            _ = try await run.line("worker ready")
            #expect(try await run.terminate() == .exited(0))
            // Its shell says by itself when the process that it waits for gets the signal.
            let others = ["ready", "Terminated"]
            let lines = run.supervisor.output.filter { line in
                line.hasPrefix("w.1") && !others.contains { line.contains($0) }
            }
            let words = lines.map { $0.split(separator: "| ").last.map(String.init) ?? "" }
            #expect(words.prefix(3) == ["worker asked", "worker done", "child asked"], "\(run.supervisor.output)")
            _ = try await run.line("w.1 has not ended within its grace of 2 s: SIGTERM once more")
        }
    }

    @Test("A worker that is not registered by its name is warned of, with the name that it should have")
    func unregistered() async throws {
        let plan = """
            workers:
              - {name: w, command: [sleep, "600"], ready_within: 0.5}
            """
        try await Supervision.run([], plan: plan) { run in
            let line = try await run.line("w.1 has registered no process of its name")
            #expect(line.contains("$TEMPEST_PROCESS.<anything of its own>"))
            #expect(try await run.terminate() == .exited(0))
        }
    }

    private func quoted(_ script: String) -> String {
        "\""
            + script.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
            .replacingOccurrences(of: "\n", with: "\\n") + "\""
    }
}
