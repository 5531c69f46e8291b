// A listener by itself: the order of what it read and what came, and what it does when too much waits.

import NIOCore
import NIOEmbedded
import Testing

@testable import TempestFront

@Suite("A listener", .timeLimit(.minutes(1)))
struct EventListenerTests {
    static func listener(since: String? = nil, bytes: Int = 1000, events: Int = 10) -> EventListener {
        EventListener(
            number: 1, opening: ByteBuffer(string: "o"), since: since.flatMap { HistoryPlace(lastEventID: $0) },
            limits: EventStreamOptions(waitingBytes: bytes, waitingEvents: events))
    }

    static func event(_ id: Int? = nil, _ data: String = "x") throws -> RenderedEvent {
        try RenderedEvent(
            Array(#"["\#(data)"]"#.utf8), id: id.map { HistoryID(milliseconds: UInt64($0), number: 0) }, longest: 10_000)
    }

    /// Everything that is written until it would wait, or has something else to do.
    static func written(_ listener: EventListener) async throws -> String {
        guard case .write(let buffers) = await listener.next() else { throw Unexpected() }
        return buffers.map { String(buffer: $0) }.joined()
    }

    struct Unexpected: Error {}

    @Test("What a browser does not take in time counts among what waits for slow clients, until it takes it or is gone")
    func waiting() async throws {
        let registry = ConnectionRegistry()
        let account = registry.add(EmbeddedChannel()) {}
        var listener: EventListener? = EventListener(
            number: 1, opening: ByteBuffer(string: "o"), since: nil, limits: EventStreamOptions(), waiting: WaitingBytes(account))
        listener?.followed(at: 1)
        _ = try await Self.written(#require(listener))
        #expect(registry.waiting == 0)
        let event = try Self.event()
        // A burst is no sign of slowness.
        for _ in 1...3 { #expect(listener?.offer(event) == true) }
        #expect(registry.waiting == 0)
        listener?.beat(ByteBuffer(string: ":"))
        #expect(registry.waiting == 3 * event.bytes.readableBytes)
        #expect(listener?.offer(event) == true)
        #expect(registry.waiting == 4 * event.bytes.readableBytes)
        _ = try await Self.written(#require(listener))
        #expect(registry.waiting == 0)
        _ = listener?.offer(event)
        listener?.beat(ByteBuffer(string: ":"))
        #expect(registry.waiting > 0)
        listener = nil
        #expect(registry.waiting == 0)
    }

    @Test("gets what comes after its channel was confirmed")
    func live() async throws {
        let listener = Self.listener()
        #expect(try await Self.written(listener) == "o")
        listener.followed(at: 1)
        #expect(listener.offer(try Self.event(nil, "a")))
        #expect(try await Self.written(listener) == ": following\n\ndata: a\n\n")
    }

    @Test("reads first, holds what comes meanwhile, and gets nothing twice")
    func replay() async throws {
        let listener = Self.listener(since: "3-0")
        _ = try await Self.written(listener)
        listener.followed(at: 2)
        guard case .read(let after, let epoch) = await listener.next() else { throw Unexpected() }
        #expect(after == HistoryPlace(lastEventID: "3-0"))
        for id in [5, 6] { #expect(listener.offer(try Self.event(id))) }
        #expect(listener.offer(try Self.event(nil, "plain")))
        listener.read(to: HistoryID("5-0"), isLast: true, epoch: epoch)
        #expect(listener.offer(try Self.event(5)), "one that was read and comes late")
        #expect(listener.offer(try Self.event(7)))
        #expect(
            try await Self.written(listener)
                == ": following\n\nid: 6-0\ndata: x\n\ndata: plain\n\nid: 7-0\ndata: x\n\n")
    }

    @Test("reads again when the page that it read is older than the confirmation")
    func epochs() async throws {
        let listener = Self.listener(since: "3-0")
        _ = try await Self.written(listener)
        listener.followed(at: 3)
        guard case .read(_, let epoch) = await listener.next() else { throw Unexpected() }
        listener.lost(last: nil)
        listener.followed(at: 4)
        listener.read(to: HistoryID("4-0"), isLast: true, epoch: epoch)
        guard case .read(let after, let later) = await listener.next() else { throw Unexpected() }
        #expect(after == HistoryPlace(lastEventID: "4-0"))
        #expect(later != epoch)
    }

    @Test("reads from the last that it saw when Redis comes back")
    func lost() async throws {
        let listener = Self.listener()
        listener.followed(at: 5)
        #expect(listener.offer(try Self.event(8)))
        listener.lost(last: HistoryID("8-0"))
        listener.followed(at: 6)
        #expect(try await Self.written(listener) == "o: following\n\nid: 8-0\ndata: x\n\n")
        guard case .read(let after, _) = await listener.next() else { throw Unexpected() }
        #expect(after == HistoryPlace(lastEventID: "8-0"))
    }

    @Test("is ended when too many events, or too many bytes, wait for it")
    func slow() async throws {
        for listener in [Self.listener(events: 4), Self.listener(bytes: 60)] {
            listener.followed(at: 7)
            #expect(listener.offer(try Self.event()))
            #expect(listener.offer(try Self.event()))
            #expect(!listener.offer(try Self.event(nil, String(repeating: "y", count: 40))))
            guard case .broken = await listener.next() else { throw Unexpected() }
        }
    }

    @Test("writes what waits before it ends properly, and nothing when its browser is gone")
    func ending() async throws {
        let listener = Self.listener()
        listener.end(.done)
        #expect(try await Self.written(listener) == "o")
        guard case .end = await listener.next() else { throw Unexpected() }
        let gone = Self.listener()
        gone.end(.gone)
        guard case .broken = await gone.next() else { throw Unexpected() }
    }

    @Test("breaks off when its task is cancelled")
    func cancelled() async throws {
        let listener = Self.listener()
        _ = try await Self.written(listener)
        let task = Task { await listener.next() }
        task.cancel()
        guard case .broken = await task.value else { throw Unexpected() }
    }
}
