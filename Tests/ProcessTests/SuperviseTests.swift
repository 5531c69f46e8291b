import Foundation
import Tempest
import TempestTesting
import Testing

@Suite("supervise")
struct SuperviseTests {
    private let python = "/usr/bin/python3"

    @Test("The job of a killed worker runs elsewhere at once, and the worker is started again")
    func recovery() async throws {
        try await Supervision.run(["--count", "2", "--name", "web", "--", "%T", "demo-worker", "q", "--concurrency", "1"]) {
            run in
            let processes = ["web.1": try await run.started("web.1"), "web.2": try await run.started("web.2")]
            _ = try await run.line("ready: 2 workers")
            try await run.client.push("sleep", 600, queue: "q")
            try await eventually("a worker holds the job") { try await run.holders().count == 1 }
            let holder = try #require(try await run.holders().first)
            let worker = holder.split(separator: ".").prefix(2).joined(separator: ".")
            let process = try #require(processes[worker])
            let start = ContinuousClock.now
            kill(process, SIGKILL)
            // As close as can be looked: `eventually` rests for 5 ms between its looks.
            try await withDeadline(.seconds(10), "another holds it") {
                while try await !run.holders().contains(where: { $0 != holder }) {}
            }
            let time = ContinuousClock.now - start
            print("from SIGKILL to the job running elsewhere: \(time)")
            // Not by the lease of 10 s; how long it takes is printed, and no machine that pauses for a moment fails for it.
            #expect(time < .seconds(5))
            _ = try await run.started(worker, 2)
            _ = try await run.line("ready: 2 workers", 2)
            #expect(try await !run.registered().contains(holder))
            let statistics = try await run.client.statistics(QueueName("q"))
            #expect(statistics.running == 1 && statistics.waiting == 0)
            try run.supervisor.send(.terminate)
            // They would give their handlers 25 s.
            for process in try SystemProcess.children(of: run.supervisor.processID).values.joined() { kill(process, SIGKILL) }
            #expect(try await run.supervisor.waitForExit() == .exited(0))
            #expect(try await run.registered().isEmpty)
        }
    }

    @Test("What a worker leaves is given back even if it says that all is well: status 0")
    func statusZero() async throws {
        let script = """
            import os, redis
            r = redis.Redis(unix_socket_path=os.environ["REDIS_URL"][7:])
            p = os.environ["TEMPEST_PROCESS"] + ".01"
            r.sadd("tempest:queues", "q")
            r.fcall("tempest1_hello", 1, "q", p, "new")
            r.fcall("tempest1_claim", 1, "q", p, 1, 1, 1048576, "default")
            """
        let plan = """
            workers:
              - name: careless
                command: ["\(python)", "-c", \(quoted(script))]
                restart: never
                ready: 600
            """
        try await withPrivateRedis { server in
            let client = try TempestClient(redis: RedisConfiguration(url: server.url))
            try await client.push("echo", 1, queue: "q")
            _ = try await client.statistics(QueueName("q"))
            try await withTemporaryDirectory { folder in
                try Data(plan.utf8).write(to: URL(fileURLWithPath: "\(folder)/plan.yaml"))
                let (status, output) = try await Program.run(["supervise", "\(folder)/plan.yaml"], redis: server)
                #expect(status == .exited(0), "\(output)")
                #expect(output.contains { $0.contains("careless.1 left 1 job: back in the queues") }, "\(output)")
            }
            let after = try await client.statistics(QueueName("q"))
            #expect(after.waiting == 1 && after.running == 0 && after.processes == 0)
            await client.shutdown()
        }
    }

    @Test("A worker that ends again and again is started again, each time later")
    func backoff() async throws {
        try await Supervision.run(["--json", "--name", "bad", "--", "sh", "-c", "exit 3"]) { run in
            func time(_ line: String) throws -> Date {
                let text = try #require(try JSONCodec().value(Array(line.utf8))["time"]?.asText)
                return try Date(text, strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true))
            }
            for step in 0..<4 {
                let end = try await run.line("bad.1 ended with status 3; it is started again in", step + 1)
                let start = try await run.line("bad.1 is started", step + 2)
                // In steps of a millisecond.
                #expect(try time(start).timeIntervalSince(time(end)) >= Double(50 << step) / 1000 - 0.002, "delay \(step)")
            }
            #expect(try await run.terminate() == .exited(0))
        }
    }

    @Test("A rolling restart exchanges all workers, and never are fewer than all registered")
    func rolling() async throws {
        try await Supervision.run(["--count", "3", "--name", "web", "--", "%T", "demo-worker", "q"]) { run in
            _ = try await run.line("ready: 3 workers")
            let before = try await run.registered()
            #expect(before.count == 3)
            try run.supervisor.send(.hangUp)
            var fewest = Int.max
            try await eventually(within: .seconds(60), "the roll is done") {
                fewest = min(fewest, try await run.registered().count)
                return run.supervisor.output.contains { $0.contains("the rolling restart is done") }
            }
            #expect(fewest >= 3)
            try await eventually("the old ones have left") { try await run.registered().count == 3 }
            #expect(try await run.registered().isDisjoint(with: before))
            #expect(try await run.terminate() == .exited(0))
            #expect(try await run.registered().isEmpty)
        }
    }

    @Test("A rolling restart whose new worker does not get ready stops, and the old one goes on")
    func stalledRoll() async throws {
        // Time enough for the first, which is a program of debug size; the second never gets ready.
        let plan = """
            workers:
              - name: web
                command: [sh, -c, 'if mkdir first; then exec "$0" demo-worker q; else exec sleep 600; fi', %T]
                ready_within: 3
            """
        try await Supervision.run([], plan: plan) { run in
            let first = try await run.started("web.1")
            _ = try await run.line("ready: 1 worker")
            let before = try await run.registered()
            try run.supervisor.send(.hangUp)
            let second = try await run.started("web.1", 2)
            _ = try await run.line("the new worker is not ready within 3 s: the old one stays")
            _ = try await run.line("the rolling restart has stopped at web.1")
            try await eventually("the new one is gone") { !SystemProcess.isAlive(second) }
            #expect(SystemProcess.isAlive(first))
            #expect(try await run.registered() == before)
            #expect(try await run.terminate() == .exited(0))
        }
    }

    @Test("A supervisor that is killed leaves no worker behind, and starts them all on one thread")
    func orphans() async throws {
        try await Supervision.run(["--count", "3", "--name", "web", "--", "sleep", "600"]) { run in
            var workers: [Int32] = []
            for index in 1...3 { workers.append(try await run.started("web.\(index)")) }
            kill(workers[0], SIGKILL)
            workers[0] = try await run.started("web.1", 2)
            let children = try SystemProcess.children(of: run.supervisor.processID)
            #expect(children.count == 1, "the death of a thread is the death of the workers that it has started: \(children)")
            #expect(Set(children.values.joined()) == Set(workers))
            // Until then setpriv has not asked for the signal.
            try await eventually("each is what it was started as") {
                try workers.allSatisfy { try String(contentsOfFile: "/proc/\($0)/comm", encoding: .utf8) == "sleep\n" }
            }
            try run.supervisor.send(.kill)
            try await run.supervisor.waitForExit()
            try await eventually("all are gone") { workers.allSatisfy { !SystemProcess.isAlive($0) } }
        }
    }

    @Test("A worker over its memory limit is replaced: the new one is there before the old one is asked to end")
    func memory() async throws {
        let script = """
            import os, signal, time
            def end(*_):
                print("asked", flush=True)
                os._exit(0)
            signal.signal(signal.SIGTERM, end)
            try:
                os.mkdir("first")
                hoard = b"x" * 200_000_000
            except FileExistsError:
                pass
            # Short ones: a signal that comes while the bytes are written is seen by Python after the next call only.
            while True: time.sleep(0.05)
            """
        let plan = """
            workers:
              - name: fat
                command: ["\(python)", -c, \(quoted(script))]
                directory: %FOLDER
                memory: 100MB
                ready: 0.5
            """
        try await Supervision.run([], plan: plan) { run in
            let first = try await run.started("fat.1")
            _ = try await run.line("its limit is 100 MB: it is replaced")
            let second = try await run.started("fat.1", 2)
            _ = try await run.line("| asked")
            let output = run.supervisor.output
            let asked = try #require(output.firstIndex { $0.contains("| asked") })
            let ready = try #require(output.firstIndex { $0.contains("fat.1 is started, process \(second)") })
            #expect(ready < asked)
            try await eventually("the old one is gone") { !SystemProcess.isAlive(first) }
            #expect(SystemProcess.isAlive(second))
            #expect(try await run.terminate() == .exited(0))
        }
    }

    @Test("SIGTSTP and SIGUSR1 reach workers as SIGTSTP; one that was halted by it still ends", arguments: [SIGTSTP, SIGUSR1])
    func quiet(_ number: Int32) async throws {
        let script = """
            import signal
            signal.signal(signal.SIGTSTP, lambda *_: print("quiet", flush=True))
            print("listening", flush=True)
            while True: signal.pause()
            """
        let plan = """
            workers:
              - {name: knows, command: ["\(python)", -c, \(quoted(script))]}
              - {name: halts, command: [sleep, "600"]}
            """
        try await Supervision.run([], plan: plan) { run in
            let halted = try await run.started("halts.1")
            _ = try await run.line("knows.1 | listening")
            kill(run.supervisor.processID, number)
            _ = try await run.line("knows.1 | quiet")
            try await eventually("the other is halted") { SystemProcess.state(halted) == "T" }
            #expect(try await run.terminate() == .exited(0))
        }
    }

    @Test("SIGTERM is handed on, and a second one too")
    func twice() async throws {
        let script = """
            import signal, os
            count = 0
            def end(*_):
                global count
                count += 1
                print("heard", count, flush=True)
                if count == 2: os._exit(0)
            signal.signal(signal.SIGTERM, end)
            print("listening", flush=True)
            while True: signal.pause()
            """
        try await Supervision.run(["--name", "slow", "--", python, "-c", script]) { run in
            _ = try await run.line("slow.1  | listening")
            try run.supervisor.send(.terminate)
            _ = try await run.line("slow.1  | heard 1")
            try run.supervisor.send(.interrupt)
            _ = try await run.line("slow.1  | heard 2")
            #expect(try await run.supervisor.waitForExit() == .exited(0))
        }
    }

    @Test("A worker that does not end within its grace is killed, with all that it has started")
    func grace() async throws {
        let plan = """
            workers:
              - name: deaf
                command: [sh, -c, 'trap "" TERM; sleep 600 & echo "child $!"; wait; wait']
                grace: 0.3
            """
        try await Supervision.run([], plan: plan) { run in
            let worker = try await run.started("deaf.1")
            let child = try #require(Int32(try await run.line("| child ").split(separator: " ").last ?? ""))
            #expect(try await run.terminate() == .exited(0))
            #expect(
                run.supervisor.output.contains {
                    $0.contains("deaf.1 has not ended within its grace of 0.3 s: SIGTERM once more")
                })
            #expect(!SystemProcess.isAlive(worker))
            try await eventually("its child is gone") { !SystemProcess.isAlive(child) }
        }
    }

    private func quoted(_ script: String) -> String {
        "\""
            + script.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
            .replacingOccurrences(of: "\n", with: "\\n") + "\""
    }
}
