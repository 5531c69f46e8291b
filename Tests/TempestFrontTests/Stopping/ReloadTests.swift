import Synchronization
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

/// What the clients of a test have done so far.
private final class Load: Sendable {
    let isOver = Atomic(false)
    let answered = Atomic(0)
}

@Suite("Reloading a front", .timeLimit(.minutes(3)))
struct ReloadTests {
    @Test("Routes, files and limits change for requests from now on; one that is held ends as it began")
    func routes() async throws {
        let gate = AsyncStream.makeStream(of: Void.self)
        try await withTemporaryDirectory { folder in
            try write("a file", to: "\(folder)/a.txt")
            try await RunningFront.run(["/old=pages"]) { _ in
            } handlers: { worker in
                worker.handle("url") { (_: JobContext, request: WebRequest) in
                    var iterator = gate.stream.makeAsyncIterator()
                    if request.path == "/old" { _ = await iterator.next() }
                    return WebAnswer(text: request.url)
                }
            } _: { front in
                try await front.browse { browser in
                    try await browser.send("GET /old HTTP/1.1\r\nHost: t\r\n\r\n")
                    try await eventually("it runs") { try await front.client.statistics(QueueName("pages")).running == 1 }
                    #expect(try await front.get("/new").status == 404)
                    var configuration = front.configuration
                    configuration.routes = [try FrontRoute("/new=pages")]
                    configuration.files = StaticFilesOptions(folder: folder)
                    configuration.rules.body = 10
                    try await front.front.reload(configuration)
                    #expect(try await front.get("/new").text == "/new")
                    #expect(try await front.get("/old").status == 404)
                    #expect(try await front.get("/a.txt").text == "a file")
                    let large = "POST /new HTTP/1.1\r\nHost: t\r\nContent-Length: 11\r\n\r\n01234567890"
                    #expect(try await front.ask(large).status == 413)
                    gate.continuation.finish()
                    #expect(try await browser.reply().text == "/old")
                    // The connection is the same one, and has the new routes.
                    try await browser.send("GET /new HTTP/1.1\r\nHost: t\r\n\r\n")
                    #expect(try await browser.reply().text == "/new")
                }
            }
        }
    }

    @Test("A new queue's inbox is open before its first request")
    func queues() async throws {
        try await RunningFront.run(["/a=pages"]) { _ in
        } _: { front in
            var configuration = front.configuration
            configuration.routes.append(try FrontRoute("/b=others"))
            try await front.front.reload(configuration)
            try await eventually("it is read") {
                front.client.readiness.first { $0.queue.description == "others" }?.isReading == true
            }
        }
    }

    @Test("What is wrong changes nothing, and what cannot change stays")
    func refused() async throws {
        try await RunningFront.run(["/a=pages"]) { _ in
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(text: request.url) }
        } _: { front in
            for change in [
                { (new: inout FrontConfiguration) in new.routes += new.routes },
                { $0.files = StaticFilesOptions(folder: "/nowhere/at/all") }, { $0.routes[0].requiresUser = true },
                { $0.subscriptions = ["a b"] },
                { $0.routes[0].isOriginal = true },
            ] {
                var configuration = front.configuration
                change(&configuration)
                await #expect(throws: FrontConfigurationError.self) { try await front.front.reload(configuration) }
                #expect(try await front.get("/a").text == "/a")
            }
            var configuration = front.configuration
            configuration.addresses = [.tcp(host: "127.0.0.1", port: 1)]
            configuration.routes = [try FrontRoute("/b=pages")]
            try await front.front.reload(configuration)
            #expect(try await front.get("/b").text == "/b")
        }
    }

    @Test("What was taken at the start stays, and is named")
    func kept() throws {
        let running = FrontConfiguration()
        var new = running
        (new.patience, new.waiting, new.grace) = (.seconds(9), 1 << 20, .seconds(3))
        let (joined, kept) = try new.replacing(running)
        #expect(kept == ["patience", "waiting"] && joined.grace == .seconds(3))
        #expect(joined.patience == running.patience && joined.waiting == running.waiting)
    }

    @Test("Subscriptions change, and who listens goes on listening")
    func subscriptions() async throws {
        try await RunningFront.run {
            $0.subscriptions = ["news"]
        } _: { front in
            try await front.browse { browser in
                try await browser.send("GET /sub/news HTTP/1.1\r\nHost: t\r\n\r\n")
                try await eventually("it listens") { String(decoding: browser.received, as: UTF8.self).contains("retry:") }
                for patterns in [["sport"], [], ["sport"]] {
                    var configuration = front.configuration
                    configuration.subscriptions = patterns
                    try await front.front.reload(configuration)
                }
                #expect(try await front.get("/sub/news").status == 403)
                try await eventually("the event comes") {
                    try await front.client.publish(channel: "news", event: "greeting", data: "hello")
                    return String(decoding: browser.received, as: UTF8.self).contains("hello")
                }
            }
        }
    }

    @Test("Ten reloads in a row under load fail no request")
    func load() async throws {
        try await RunningFront.run(["/*=pages"]) { _ in
        } handlers: { worker in
            worker.handle("url") { (_: JobContext, request: WebRequest) in WebAnswer(text: request.url) }
        } _: { front in
            let load = Load()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        try await front.browse { browser in
                            var count = 0
                            while !load.isOver.load(ordering: .relaxed) {
                                try await browser.send("GET /\(number)/\(count) HTTP/1.1\r\nHost: t\r\n\r\n")
                                let reply = try await browser.reply()
                                guard reply.status == 200, reply.text == "/\(number)/\(count)" else {
                                    throw TestFailure("\(reply)")
                                }
                                count += 1
                                load.answered.add(1, ordering: .relaxed)
                            }
                        }
                    }
                }
                for round in 0..<10 {
                    var configuration = front.configuration
                    configuration.routes.append(try FrontRoute("/new\(round)=queue\(round)"))
                    try await front.front.reload(configuration)
                    let before = load.answered.load(ordering: .relaxed)
                    try await eventually("requests are answered") { load.answered.load(ordering: .relaxed) >= before + 4 }
                }
                load.isOver.store(true, ordering: .relaxed)
                try await group.waitForAll()
            }
        }
    }
}
