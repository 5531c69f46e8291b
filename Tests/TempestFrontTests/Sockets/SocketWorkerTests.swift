import Hummingbird
import Logging
import NIOCore
import Synchronization
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

/// With a real Redis, a real worker and TLS.
@Suite(.serialized) struct SocketWorkerTests {
    @Test func aWorkerOpensAnswersTellsAndHearsTheEnd() async throws {
        try await withPrivateRedis { redis in
            let configuration = try RedisConfiguration(url: redis.url)
            let worker = try Worker(queues: ["chat"], redis: configuration)
            let seen = Mutex<[String]>([])
            let once = Mutex<Set<String>>([])
            worker.handle(dynamic: "websocket") { context in
                let event = context.args[0]
                let isOnce = context.job.meta["once"] == true
                _ = once.withLock { $0.insert("\(event["event"]?.text ?? "") \(isOnce)") }
                switch event["event"]?.text {
                case "open":
                    seen.withLock { $0.append("open \(event["url"]?.text ?? "")") }
                    guard event["headers"]?["x-name"]?.text == "anna" else {
                        throw HandlerError(code: "who", message: "who are you?")
                    }
                    return .array([.text("welcome")])
                case "message":
                    let data = event["data"]?.text ?? ""
                    seen.withLock { $0.append("message \(data) \(event["data_encoding"]?.text ?? "")") }
                    if data == "stream" {
                        try await context.send("part")
                        return .array([.text("rest"), .text("end")])
                    }
                    return data == "bye"
                        ? .map(["close": .int(4000), "reason": .text("as you wish")]) : .text("you said \(data)")
                default:
                    seen.withLock { $0.append("close \(event["code"]?.int ?? 0)") }
                    return .null
                }
            }
            try await withRunning(worker, within: .seconds(30)) {
                let client = try TempestClient(redis: configuration)
                var logger = Logger(label: "socket.tests")
                logger.logLevel = .critical
                let route = SocketRoute(try PathPattern("/socket"), queue: try .init("chat"))
                try await withServer(.front(limits: .brisk, sockets: [route], client: client, logger: logger)) { port in
                    await #expect(throws: TestFailure.self) { _ = try await SocketClient.connect(port) }
                    let socket = try await SocketClient.connect(port, path: "/socket?room=1", ["X-Name: anna"])
                    #expect(try await socket.next().text == "welcome")
                    for number in 0..<50 { try await socket.send("\(number)") }
                    for number in 0..<50 { #expect(try await socket.next().text == "you said \(number)") }
                    try await socket.send("stream")
                    for text in ["part", "rest", "end"] { #expect(try await socket.next().text == text) }
                    try await socket.send(2, [1, 2, 3])
                    #expect(try await socket.next().text == "you said AQID")
                    try await socket.send("bye")
                    let close = try await socket.next()
                    #expect(close.code == 4000)
                    try await socket.close(4000)
                    try await eventually("the worker hears the end") { seen.withLock { $0.last } == "close 4000" }
                }
                await client.shutdown()
            }
            let events = seen.withLock { $0 }
            #expect(once.withLock { $0 } == ["open false", "message true", "close true"])
            #expect(events.first == "open /socket")
            #expect(events.contains("open /socket?room=1"))
            #expect(events.contains("message AQID base64"))
            #expect(events.count { $0.hasPrefix("close") } == 1)
        }
    }
}
