import NIOCore
import NIOPosix
import Synchronization
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

@Suite("The last connections of a front that stops", .timeLimit(.minutes(2)))
struct LastConnectionsTests {
    /// Clients that connect again and again, each for one request.
    private final class Crowd: Sendable {
        let answered = Atomic(0)
        /// Connected, and reset or closed without an answer.
        let lost = Atomic(0)
        let isOver = Atomic(false)
        private let port: Int

        init(port: Int) { self.port = port }

        /// Until it is over, or nobody listens any more.
        func run() async {
            while !isOver.load(ordering: .relaxed) {
                do {
                    let reply = try await Browser.run(port: port) { browser in
                        do {
                            try await browser.send("GET /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
                            return try await browser.reply()
                        } catch { return Reply() }
                    }
                    if reply.status == 200 { answered.add(1, ordering: .relaxed) } else { lost.add(1, ordering: .relaxed) }
                } catch { return }
            }
        }
    }

    @Test("Who has connected in the moment in which it stops accepting is answered, and not reset")
    func moment() async throws {
        for _ in 1...4 {
            try await RunningFront.run { _ in
            } _: { front in
                let crowd = Crowd(port: front.port)
                await withTaskGroup { group in
                    for _ in 1...8 { group.addTask { await crowd.run() } }
                    group.addTask {
                        do {
                            try await eventually("there is a crowd") { crowd.answered.load(ordering: .relaxed) > 100 }
                        } catch { crowd.isOver.store(true, ordering: .relaxed) }
                        await front.drain()
                    }
                }
                #expect(crowd.lost.load(ordering: .relaxed) == 0)
                #expect(crowd.answered.load(ordering: .relaxed) > 100)
            }
        }
    }

    @Test("Two fronts on one port: when the first stops, nobody is refused or reset, and the second goes on")
    func exchange() async throws {
        try await RunningFront.run {
            $0.reusesPort = true
        } _: { first in
            try await RunningFront.run {
                $0.reusesPort = true
                $0.port = first.port
            } _: { second in
                #expect(second.port == first.port)
                let crowd = Crowd(port: first.port)
                await withTaskGroup { group in
                    for _ in 1...8 { group.addTask { await crowd.run() } }
                    group.addTask {
                        do {
                            try await eventually("there is a crowd") { crowd.answered.load(ordering: .relaxed) > 100 }
                            await first.drain()
                            try await eventually("the first has stopped") { first.front.shared.drain.phase == .over }
                            let before = crowd.answered.load(ordering: .relaxed)
                            try await eventually(within: .seconds(20), "the second goes on") {
                                crowd.answered.load(ordering: .relaxed) > before + 100
                            }
                        } catch { Issue.record(error) }
                        crowd.isOver.store(true, ordering: .relaxed)
                    }
                }
                #expect(crowd.lost.load(ordering: .relaxed) == 0)
            }
        }
    }
}
