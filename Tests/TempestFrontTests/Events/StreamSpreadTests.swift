import ServiceLifecycle
import Tempest
import TempestTesting
import Testing

@testable import TempestFront

@Suite("Many event streams", .timeLimit(.minutes(2)))
struct StreamSpreadTests {
    @Test("end one after another over the grace, and few of them at once")
    func ends() {
        let many = StreamSpread(streams: 400, grace: .seconds(25))
        #expect(many.window > .seconds(19) && many.window <= .seconds(20))
        #expect(many.due(after: .zero) == 1 && many.due(after: many.window) == 400)
        var before = 0
        for tenth in 0..<200 {
            let due = many.due(after: .milliseconds(100 * tenth))
            #expect(due >= before && due - before <= 4, "\(tenth)")
            before = due
        }
        #expect(StreamSpread(streams: 10_000, grace: .seconds(5)).window == .seconds(4))
        #expect(StreamSpread(streams: 3, grace: .seconds(25)).window == .milliseconds(100))
        for count in [0, 1] {
            let few = StreamSpread(streams: count, grace: .seconds(25))
            #expect(few.window == .zero && few.due(after: .zero) == count)
        }
        #expect(StreamSpread(streams: 7, grace: .zero).due(after: .zero) == 7)
    }

    @Test("tell their browsers times to come back that lie evenly between once and twice `retry`")
    func retries() {
        for offset in [0, 0.37, 0.999] {
            let told = (1000..<1400).map { StreamSpread.retry(.seconds(3), stream: $0, offset: offset) }.sorted()
            #expect((told.first ?? 0) >= 3000 && (told.last ?? 0) <= 6000)
            #expect(Set(told).count > 380)
            #expect(zip(told, told.dropFirst()).allSatisfy { $1 - $0 < 25 }, "no two neighbours are far from each other")
        }
        #expect(StreamSpread.retry(.zero, stream: 5, offset: 0.5) == 0)
    }

    @Test("are told apart, and end apart from each other when the server stops; all get what was sent before")
    func shutdown() async throws {
        try await withEventFront(change: { $0.grace = .seconds(5) }) { front in
            var browsers: [EventBrowser] = []
            for _ in 0..<40 { browsers.append(try await front.follower("n")) }
            #expect(Set(browsers.flatMap { $0.fields("retry") }).count > 35)
            let start = ContinuousClock.now
            await front.services.triggerGracefulShutdown()
            try await eventually("the first ends") { browsers.contains { $0.isClosed } }
            let first = ContinuousClock.now - start
            try await front.client.publish(channel: "n", data: "still here")
            try await eventually(within: .seconds(20), "all end") { browsers.allSatisfy { $0.isClosed } }
            let last = ContinuousClock.now - start
            // 39 pauses of 50 ms.
            #expect(last - first > .seconds(1), "\(first) \(last)")
            #expect(browsers.allSatisfy { $0.isComplete })
            #expect(browsers.count { $0.body.contains("still here") } > 10)
        }
    }
}
