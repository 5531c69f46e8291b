import Synchronization
import TempestCodecs
import TempestProtocol
import TempestRedis
import TempestTesting
import Testing

@testable import Tempest

@Suite("Routes")
struct RoutingTests {
    /// Workers of the queues q, x and y, with handlers that show what they were called with.
    private func withWorkers<R>(_ body: (Bench) async throws -> R) async throws -> R {
        try await Bench.run { bench in
            let (first, second) = (try bench.worker(["q", "x"]), try bench.worker(["y"]))
            for worker in [first, second] {
                worker.handle(dynamic: "echo") { context in context.args.value }
                worker.handle("upper") { (_: JobContext, text: String) in text.uppercased() }
                worker.handle("join") { (_: JobContext, left: String, right: String) in "\(left)+\(right)" }
                worker.handle(dynamic: "refuse") { _ in throw HandlerError(code: "no_luck", message: "not here") }
                worker.handle("count") { (context: JobContext, to: Int) in
                    for number in 0..<to { try await context.send(number) }
                    return to
                }
                worker.handle("nothing_at_all") { (_: JobContext, _: Value) in }
                worker.handle("flaky", retry: RetryPolicy(first: .milliseconds(5), longest: .milliseconds(5))) {
                    (context: JobContext, text: String) in
                    if context.attempt < 2 { throw HandlerError(message: "not yet") }
                    return "\(text)\(context.attempt)"
                }
            }
            return try await withRunning(first) { try await withRunning(second) { try await body(bench) } }
        }
    }

    private func word(_ value: Value) -> String? { value.asArray?[3]["error"]?["code"]?.asText }

    @Test("In sequence, through queues and levels and back", arguments: ["json", "msgpack", "tnetstring"])
    func sequence(_ codec: String) async throws {
        try await withWorkers { bench in
            let answer: String = try await bench.client.call(
                "upper", "a", queue: "q", codec: CodecSet.standard.named(codec),
                route: [
                    .step("upper"), .step("upper", queue: "y"), .step("upper", queue: "x", level: .low),
                    .step("upper", queue: "q"),
                ])
            #expect(answer == "A")
            // The one that stayed in its queue went on with the call that ended it.
            #expect(try await bench.client.statistics(QueueName("q")).settled == 3)
        }
    }

    @Test("In parallel, the answers in the order of the steps; one that returns nothing is null")
    func parallel() async throws {
        try await withWorkers { bench in
            let joined: String = try await bench.client.call(
                "upper", "a", queue: "q", route: [.all([.step("upper", queue: "y"), .step("upper", queue: "x")]), .step("join")])
            #expect(joined == "A+A")
            let all: Value = try await bench.client.call(
                "echo", 1, queue: "q", route: [.all([.step("echo", queue: "y"), .step("nothing_at_all", queue: "x")])])
            #expect(all == [[[1]], nil])
        }
    }

    @Test("In parallel within a parallel step, and at the end of a route")
    func nested() async throws {
        try await withWorkers { bench in
            let inner = Route([.all([.step("upper"), .step("upper", queue: "x")]), .step("join")])
            let joined: String = try await bench.client.call(
                "upper", "a", queue: "q",
                route: [.all([.step("upper", queue: "y", then: inner), .step("upper")]), .step("join")])
            #expect(joined == "A+A+A")
            let all: [[String]] = try await bench.client.call(
                "upper", "a", queue: "q",
                route: [.all([.step("upper", then: [.all([.step("upper", queue: "y"), .step("upper")])])])])
            #expect(all == [["A", "A"]])
        }
    }

    @Test("Nobody waits, and what failed is dead where it failed")
    func unanswered() async throws {
        try await withWorkers { bench in
            try await bench.client.push(
                "upper", "a", queue: "q", options: JobOptions(attempts: 1),
                route: [.all([.step("upper", queue: "y"), .step("upper")]), .step("join"), .step("refuse", queue: "x")])
            try await eventually("it is dead") { try await !bench.dead("x").isEmpty }
            let dead = try #require(try await bench.dead("x").first)
            #expect(dead.reason == "exhausted")
            let job = try Job(dead.job, codecs: .standard, limits: .standard)
            #expect(job.args.value == ["A+A"] && job.meta["gather"] == nil && job.meta["attempts"] == 1)
        }
    }

    @Test("Only the last step sends its answers as they come")
    func streams() async throws {
        try await withWorkers { bench in
            var found: [Int] = []
            for try await number in try await bench.client.stream(
                "count", 3, queue: "q", route: [.step("count", queue: "y")], of: Int.self)
            {
                found.append(number)
            }
            #expect(found == [0, 1, 2, 3])
        }
    }

    @Test("A failure in the middle is answered, and ends the route")
    func failures() async throws {
        try await withWorkers { bench in
            for (route, code) in [
                (Route([.step("refuse", queue: "y"), .step("upper")]), "no_luck"), ([.step("nobody")], "unknown_action"),
                ([.step("count")], "bad_args"),
                ([.all([.step("upper"), .step("refuse", queue: "y")]), .step("join")], "no_luck"),
                ([.all([.step("upper"), .step("upper", then: [.step("refuse")])])], "no_luck"),
            ] {
                await #expect("\(route)") { try await bench.client.call("upper", "a", queue: "q", route: route) } throws: {
                    ($0 as? CallError)?.remoteCode == code
                }
            }
        }
    }

    @Test("Of several failures one is answered, under the id of the caller")
    func firstFailure() async throws {
        try await withWorkers { bench in
            try await bench.push(
                #"["upper",["a"],"in1",7,{"route":[[{"action":"refuse"},{"action":"refuse","queue":"y"},{"action":"nobody"}]]}]"#)
            let answer = try await bench.answer("in1")
            #expect(answer[1] == 7 && ["no_luck", "unknown_action"].contains(word(answer)))
            try await eventually("all have ended") {
                let (q, y) = try await (bench.client.statistics(QueueName("q")), bench.client.statistics(QueueName("y")))
                return q.settled + y.settled == 4
            }
            #expect(try await bench.redis.execute(["EXISTS", "{q}:in:in1"]).integer == 0)
        }
    }

    @Test("Attempts begin anew with each step, and what else meta says goes along")
    func meta() async throws {
        try await withWorkers { bench in
            let answer: String = try await bench.client.call(
                "flaky", "a", queue: "q", options: JobOptions(attempts: 2), route: [.step("flaky", queue: "y")])
            #expect(answer == "a22")
            try await bench.push(
                #"["upper",["a"],null,"j",{"session":"s","deadline":9007199254740991,"route":[{"action":"echo","queue":"z"}]}]"#)
            try await eventually("it went on") { try await bench.waiting("z").count == 1 }
            let waiting = try await bench.waiting("z")
            let job = try Job(waiting[0], codecs: .standard, limits: .standard)
            #expect(job.meta == ["session": "s", "deadline": 9_007_199_254_740_991] && job.id == .text("j"))
        }
    }

    @Test("A bad route is not begun: its job is dead, and its caller is told where it is bad")
    func badRoute() async throws {
        try await withWorkers { bench in
            try await bench.push(#"["upper",["a"],"in1","j",{"route":[{"action":"upper"},[{"action":"upper","queue":"{x}"}]]}]"#)
            let answer = try await bench.answer("in1")
            #expect(word(answer) == "bad_route")
            #expect(answer[3]?["error"]?["message"]?.asText?.hasPrefix("route[1][0].queue") == true)
            #expect(try await bench.dead().map(\.reason) == ["bad_route"])
            #expect(throws: RouteError.self) { try Route([.all([.all([.step("a")])])]).meta() }
            await #expect(throws: RouteError.self) {
                try await bench.client.push("a", queue: "q", route: [.step("a", queue: "no queue")])
            }
        }
    }

    @Test("A queue that refuses jobs for good ends the route")
    func refusing() async throws {
        try await withWorkers { bench in
            _ = try await bench.redis.execute(["SET", "broken", "no list"])
            await #expect {
                try await bench.client.call("upper", "a", queue: "q", route: [.step("upper", queue: "broken")])
            } throws: {
                ($0 as? CallError)?.remoteCode == "bad_route"
            }
            try await bench.client.push("upper", "a", queue: "q", route: [.step("upper", queue: "broken")])
            try await eventually("it is dead") { try await bench.dead().map(\.reason) == ["bad_route"] }
        }
    }

    @Test("Results that no worker has written end the route")
    func hostileResults() async throws {
        try await withWorkers { bench in
            try await bench.function("gather", "q", ["h", "0", "2", "{not an array"])
            try await bench.push(
                #"["upper",["a"],"in1","j.1",{"gather":{"id":"h","queue":"q","index":1,"count":2,"job_id":"j"}}]"#)
            let answer = try await bench.answer("in1")
            #expect(answer[1] == "j" && word(answer) == "bad_route")
        }
    }

    @Test("A worker that died between gather and push is replaced: what was gathered goes on, once")
    func diedBetween() async throws {
        try await withWorkers { bench in
            let job =
                #"["upper",["b"],"in1","g.1",{"gather":{"id":"g","queue":"q","index":1,"count":2,"job_id":"j","route":[{"action":"join","queue":"y"}]}}]"#
            try await bench.function("gather", "q", ["g", "0", "2", #"["A"]"#])
            try await bench.function("gather", "q", ["g", "1", "2", #"["B"]"#])
            // It comes again, as after a crash; and one that was not the last does too, as after another.
            try await bench.push(job)
            try await bench.push(
                #"["upper",["a"],"in1","g.0",{"gather":{"id":"g","queue":"q","index":0,"count":2,"job_id":"j","route":[{"action":"join","queue":"y"}]}}]"#
            )
            let answer = try await bench.answer("in1")
            #expect(answer[1] == "j" && answer[2] == ["A+B"])
            try await eventually("all have ended") { try await bench.client.statistics(QueueName("q")).settled == 2 }
            // Nothing more can come to y now: what is there is counted.
            try await eventually("y is idle") {
                let y = try await bench.client.statistics(QueueName("y"))
                return y.waiting == 0 && y.running == 0 && y.settled > 0
            }
            #expect(try await bench.client.statistics(QueueName("y")).settled == 1)
        }
    }

    @Test("A stopped worker gives a job back whose route could not go on")
    func full() async throws {
        try await Bench.run { bench in
            let gate = Gate()
            let worker = try bench.worker(grace: .milliseconds(100))
            worker.handle("hold") { (_: JobContext) in
                try await gate.wait()
                return "held"
            }
            try await withRunning(worker) {
                try await bench.client.push("hold", queue: "q", route: [.step("upper", queue: "y")])
                try await eventually("it runs") { try await bench.running() == 1 }
                _ = try await bench.redis.execute(["CONFIG", "SET", "maxmemory", "1"])
                gate.open()
                try await eventually("the push is refused") {
                    try await bench.redis.execute(["INFO", "errorstats"]).string?.contains("errorstat_OOM") ?? false
                }
                #expect(try await bench.running() == 1)
            }
            #expect(try await bench.client.statistics(QueueName("q")).waiting == 1)
            #expect(try await bench.redis.execute(["LLEN", "y"]).integer == 0)
        }
    }
}
