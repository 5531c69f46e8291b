import NIOCore
import Synchronization
import TempestTesting
import Testing

@testable import TempestFront

@Suite(.serialized) struct SocketTests {
    @Test func messagesAreAnsweredWholeOrInFragmentsWithControlFramesBetween() async throws {
        let backend = TestBackend()
        try await withSocket(backend) { port in
            let client = try await SocketClient.connect(port)
            try await client.send("grüße")
            #expect(try await client.next() == ClientFrame(opcode: 1, payload: Array("grüße".utf8)))
            try await client.send(2, [0, 255, 1])
            #expect(try await client.next() == ClientFrame(opcode: 2, payload: [0, 255, 1]))
            // A character may be cut by a fragment.
            let bytes = Array("ab€cd".utf8)
            try await client.send(1, Array(bytes[..<3]), final: false)
            try await client.send(9, Array("p".utf8))
            try await client.send(0, Array(bytes[3..<4]), final: false)
            try await client.send(0, Array(bytes[4...]))
            #expect(try await client.next() == ClientFrame(opcode: 10, payload: Array("p".utf8)))
            #expect(try await client.next().text == "ab€cd")
            for count in [0, 125, 126, 65535, 65536, 1 << 20] {
                try await client.send(2, [UInt8](repeating: 7, count: count))
                #expect(try await client.next().payload.count == count)
            }
        }
    }

    @Test func eachMessageWaitsForTheLastAnswerToTheOneBefore() async throws {
        let held = Mutex<[TestBackend.Line]>([])
        let backend = TestBackend { line, event in
            if case .open = event { line.reply() } else { held.withLock { $0.append(line) } }
        }
        var limits = SocketLimits()
        limits.waitingMessages = 4
        try await withSocket(backend, limits: limits) { port in
            let client = try await SocketClient.connect(port)
            for number in 0..<10 { try await client.send("\(number)") }
            for number in 0..<10 {
                try await eventually("message \(number) is asked") { held.withLock { $0.count == 1 } }
                #expect(backend.events.count == number + 2)
                guard let line = held.withLock({ $0.popLast() }) else { return }
                line.receive(.frames([.text("part \(number)")], isLast: false))
                #expect(try await client.next().text == "part \(number)")
                #expect(backend.events.count == number + 2)
                line.reply(.text("last \(number)"))
                #expect(try await client.next().text == "last \(number)")
            }
            #expect(backend.events == ["open"] + (0..<10).map { "text \($0)" })
        }
    }

    @Test func whatABrowserHasSaidAndNobodyHasTakenCountsInTheBoundOfTheFront() async throws {
        let registry = ConnectionRegistry(logger: .silent)
        let backend = TestBackend { line, event in if case .open = event { line.reply() } }
        try await withSocket(backend, registry: registry) { port in
            let client = try await SocketClient.connect(port)
            // Half a message, and another frame of it that is not whole.
            try await client.raw.send(Array(SocketClient.frame(1, String(repeating: "a", count: 100_000).utf8, final: false)))
            try await eventually("half a message counts") { registry.waiting >= 100_000 }
            try await client.raw.send(Array(SocketClient.frame(0, "b".utf8)))
            try await eventually("it waits for its answer") { backend.events.count == 2 }
            #expect(registry.waiting >= 100_000)
            for number in 2...4 {
                try await client.send(String(repeating: "c", count: 50_000))
                try await eventually("others wait, too") { registry.waiting >= 50_000 + number * 50_000 }
            }
            for _ in 0..<4 { backend.lines.withLock { $0.first }?.reply() }
            try await eventually("nothing waits any more") { registry.waiting == 0 }
            try await client.send("abc")
            await client.raw.close()
            try await eventually("nothing is left") { registry.waiting == 0 && registry.count == 0 }
        }
    }

    @Test func aBrowserThatSaysMoreThanIsAnsweredIsNotRead() async throws {
        let backend = TestBackend { line, event in if case .open = event { line.reply() } }
        var limits = SocketLimits()
        limits.waitingMessages = 4
        try await withSocket(backend, limits: limits) { port in
            let client = try await SocketClient.connect(port)
            let frame = SocketClient.frame(2, [UInt8](repeating: 1, count: 1 << 18))
            let sent = Counter()
            // Unbounded, were it not for the bound: the sender must come to a halt.
            let sender = Task {
                while !Task.isCancelled {
                    try await client.raw.send(frame)
                    sent.add()
                }
            }
            try await eventually(within: .seconds(30), "the queue fills") { sent.count >= 5 }
            var (last, steady) = (0, ContinuousClock.now)
            try await eventually(within: .seconds(30), "the sender halts") {
                if sent.count != last { (last, steady) = (sent.count, .now) }
                return ContinuousClock.now - steady > .seconds(1)
            }
            #expect(sent.count < 100)
            #expect(backend.events.count == 2)
            sender.cancel()
            await client.raw.close()
            _ = try? await sender.value
        }
    }

    static let wrong: [(bytes: [UInt8], code: Int)] = [
        ([0x81, 0x02, 0x61, 0x62], 1002),
        ([0xC1] + SocketClient.frame(1, [0x61]).dropFirst(), 1002),
        ([0xA1] + SocketClient.frame(1, [0x61]).dropFirst(), 1002),
        ([0x91] + SocketClient.frame(1, [0x61]).dropFirst(), 1002),
        (SocketClient.frame(3, [0x61]), 1002),
        (SocketClient.frame(11, [0x61]), 1002),
        (SocketClient.frame(0, [0x61]), 1002),
        (SocketClient.frame(1, [0x61], final: false) + SocketClient.frame(1, [0x61]), 1002),
        (SocketClient.frame(9, [0x61], final: false), 1002),
        (SocketClient.frame(9, [UInt8](repeating: 0, count: 126)), 1002),
        ([0x82, 0xFE, 0, 5, 0, 0, 0, 0, 1, 2, 3, 4, 5], 1002),
        ([0x82, 0xFF, 0, 0, 0, 0, 0, 0, 1, 0], 1002),
        ([0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0], 1002),
        // Refused by their headers alone.
        ([0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], 1009),
        ([0x82, 0xFF, 0, 0, 0, 0, 0, 0x40, 0, 1], 1009),
        (SocketClient.frame(1, [0xFF, 0xFE]), 1007),
        (SocketClient.frame(1, [0xED, 0xA0, 0x80]), 1007),
        (SocketClient.frame(1, [0xE2, 0x82]), 1007),
        (SocketClient.frame(8, [3]), 1002),
        (SocketClient.frame(8, [3, 0xEC]), 1002),
        (SocketClient.frame(8, [3, 0xED]), 1002),
        (SocketClient.frame(8, [3, 0xEE]), 1002),
        (SocketClient.frame(8, [0, 0]), 1002),
        (SocketClient.frame(8, [0xFF, 0xFF]), 1002),
        (SocketClient.frame(8, [3, 0xE8, 0xFF]), 1007),
    ]

    @Test(arguments: wrong)
    func whatIsNoWebSocketIsToldItsCode(_ bytes: [UInt8], _ code: Int) async throws {
        let backend = TestBackend()
        try await withSocket(backend) { port in
            let client = try await SocketClient.connect(port)
            try await client.raw.send(bytes)
            #expect(try await client.closed() == code)
            try await eventually("workers learn it") { backend.events.last?.hasPrefix("close \(code) ") ?? false }
            #expect(backend.events.count == 2)
        }
    }

    @Test func aMessageOfTooManyFragmentsIsToldSo() async throws {
        try await withSocket(TestBackend()) { port in
            let client = try await SocketClient.connect(port)
            let part = [UInt8](repeating: 1, count: 1 << 20)
            try await client.send(2, part, final: false)
            for _ in 0..<4 { try? await client.send(0, part, final: false) }
            #expect(try await client.closed() == 1009)
        }
    }

    @Test(arguments: [1000, 1001, 3000, 4999] as [UInt16])
    func aBrowserThatClosesIsAnsweredItsCodeAndWorkersHearIt(_ code: UInt16) async throws {
        let backend = TestBackend()
        try await withSocket(backend) { port in
            let client = try await SocketClient.connect(port)
            try await client.send("last words")
            #expect(try await client.next().text == "last words")
            try await client.close(code, "bye ü")
            #expect(try await client.closed() == Int(code))
            try await client.raw.end()
            try await eventually("workers hear it") {
                backend.events == ["open", "text last words", "close \(code) bye ü"]
            }
        }
    }

    @Test func aConnectionThatBreaksIsTold1006AfterWhatItSaid() async throws {
        let held = Mutex<[TestBackend.Line]>([])
        let backend = TestBackend { line, event in
            if case .open = event { line.reply() } else { held.withLock { $0.append(line) } }
        }
        try await withSocket(backend) { port in
            let client = try await SocketClient.connect(port)
            try await client.send("a")
            try await client.send("b")
            try await eventually("the first is asked") { backend.events.count == 2 }
            await client.raw.close()
            for count in 3...4 {
                try await eventually("the next is asked") {
                    held.withLock { $0.popLast() }?.reply(.text("to nobody"))
                    return backend.events.count >= count
                }
            }
            #expect(backend.events == ["open", "text a", "text b", "close 1006 "])
        }
    }

    @Test func workersCloseWithACodeAndWhatTheySayLaterGoesNowhere() async throws {
        let backend = TestBackend { line, event in
            switch event {
            case .open: line.reply()
            default: line.reply(.text("before"), .close(CloseCode(rawValue: 4001), "enough"), .text("after"))
            }
        }
        try await withSocket(backend) { port in
            let client = try await SocketClient.connect(port)
            try await client.send("x")
            #expect(try await client.next().text == "before")
            let close = try await client.next()
            #expect(close.code == 4001)
            #expect(close.payload.dropFirst(2).elementsEqual("enough".utf8))
            try await client.close(4001)
            try await client.raw.end()
            #expect(backend.events == ["open", "text x", "close 4001 enough"])
        }
    }

    @Test func aMessageThatFailsEndsTheConnectionWith1011AndWithoutAWordOfWhy() async throws {
        let backend = TestBackend { line, event in
            if case .open = event { line.reply() } else { line.receive(.failed(SocketFailure("secret"))) }
        }
        try await withSocket(backend) { port in
            let client = try await SocketClient.connect(port)
            try await client.send("x")
            let frame = try await client.next()
            #expect(frame.code == 1011)
            #expect(frame.payload.count == 2)
        }
    }

    @Test func aBrowserThatAnswersNoPingIsGone() async throws {
        var limits = SocketLimits()
        limits.ping = .seconds(1)
        let backend = TestBackend()
        try await withSocket(backend, limits: limits) { port in
            let silent = try await SocketClient.connect(port)
            #expect(try await silent.next().opcode == 9)
            try await silent.raw.end()
            try await eventually("workers learn it") { backend.events.last == "close 1006 no pong" }
            let lively = try await SocketClient.connect(port)
            for _ in 0..<3 {
                #expect(try await lively.next().opcode == 9)
                try await lively.send(10, [])
            }
        }
    }

    @Test func aBrowserThatNeverAnswersACloseIsClosed() async throws {
        var limits = SocketLimits()
        limits.close = .milliseconds(200)
        let backend = TestBackend { line, _ in line.reply(.close(.normal, "")) }
        try await withSocket(backend, limits: limits) { port in
            let client = try await SocketClient.connect(port)
            #expect(try await client.closed() == 1000)
            try await client.raw.end()
        }
    }

    @Test func aShutdownTellsEverySocket1001() async throws {
        let backend = TestBackend()
        let clients = Mutex<[SocketClient]>([])
        var limits = SocketLimits()
        limits.close = .milliseconds(300)
        try await withSocket(backend, limits: limits) { port in
            for _ in 0..<5 {
                let client = try await SocketClient.connect(port)
                clients.withLock { $0.append(client) }
            }
        }
        for client in clients.withLock({ $0 }) { #expect(try await client.closed() == 1001) }
        #expect(backend.events.count { $0.hasPrefix("close 1001 ") } == 5)
    }

    @Test func aBrowserForWhichTooMuchWaitsIsClosed() async throws {
        let backend = TestBackend()
        try await withSocket(backend) { port in
            let client = try await SocketClient.connect(port, reads: false)
            try await eventually("it is open") { backend.events == ["open"] }
            let line = try #require(backend.lines.withLock { $0.first })
            try await eventually("it is closed") {
                line.receive(.told([.binary([UInt8](repeating: 1, count: 1 << 20))]))
                return backend.events.last?.hasPrefix("close 1013 ") ?? false
            }
            await client.raw.close()
        }
    }
}
