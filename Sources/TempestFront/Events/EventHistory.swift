// What a channel has kept: the messages since an id, rendered, a page at a time.
// Asked by listeners that come back, and by all of a channel's after Redis was away; those who ask the same meanwhile share one answer.

import Logging
import NIOCore
import Synchronization
import TempestProtocol
import TempestRedis

final class EventHistory: Sendable {
    /// Some messages in their order.
    struct Page: Sendable {
        var events: [RenderedEvent] = []
        /// The id of the last message that was read, also if it could not be rendered; nil: there was none.
        var last: HistoryID?
        /// Whether nothing followed when it was read.
        var isLast = true
        /// Whether messages between the id that was asked for and the first of these are not kept any more, or may have been.
        var isAfterGap = false
        /// The id of the first message that was read, also if it could not be rendered; nil: there was none.
        var first: HistoryID?
    }

    private struct Question: Hashable {
        let channel: ChannelName
        let after: HistoryID
    }

    private struct Asked {
        let moment: UInt64
        let page: EventLoopFuture<Page>
    }

    /// Messages of a page. Few: each may be as long as the longest event.
    static let pageSize = 32

    private let redis: RedisClient
    private let longest: Int
    private let state = Mutex((moment: UInt64(0), asked: [Question: Asked]()))

    /// - Parameter longest: bytes of a message at most.
    init(_ redis: RedisClient, longest: Int) {
        (self.redis, self.longest) = (redis, longest)
    }

    /// A moment, later than all before. Whoever hears what comes from a moment on must not be given an answer to an older question: it may
    /// lack what came between the two.
    func moment() -> UInt64 {
        self.state.withLock { state in
            state.moment += 1
            return state.moment
        }
    }

    /// The messages after an id, as they stand at `moment` or later; `onFlaw` is told of those that are left out, once for all who share
    /// the answer. Throws RedisError.
    func page(
        _ channel: ChannelName, after id: HistoryID, since moment: UInt64,
        onFlaw: @escaping @Sendable (RenderedEvent.Flaw) -> Void
    ) async throws -> Page {
        let question = Question(channel: channel, after: id)
        let promise = self.redis.eventLoop.makePromise(of: Page.self)
        let (future, mine) = self.state.withLock { state -> (EventLoopFuture<Page>, UInt64?) in
            if let asked = state.asked[question], asked.moment >= moment { return (asked.page, nil) }
            state.asked[question] = Asked(moment: state.moment, page: promise.futureResult)
            return (promise.futureResult, state.moment)
        }
        if let mine {
            let answer = self.ask(channel, id)
            answer.whenComplete { result in
                // Forgotten before it is answered: who asks from now on sees what is new.
                self.state.withLock { state in
                    if state.asked[question]?.moment == mine { state.asked[question] = nil }
                }
                promise.completeWith(result.map { self.read($0.entries, after: id, isTrimmed: $0.isTrimmed, onFlaw) })
            }
        } else {
            // Nobody may drop a promise that is not completed.
            promise.succeed(Page())
        }
        return try await future.get()
    }

    /// The message of that id too: whether it is still there and what comes after it is seen in one instant, so that nothing can be trimmed
    /// between the two. From the beginning on there is no such message: then the history itself says whether all that was added is there.
    private func ask(
        _ channel: ChannelName, _ id: HistoryID
    ) -> EventLoopFuture<(entries: RedisReply, isTrimmed: Bool)> {
        let key = RedisArgument(Keys.history(channel))
        let isFromStart = id == .zero
        return self.redis.connection().flatMap { connection in
            let entries = connection.send([
                "XRANGE", key, isFromStart ? "-" : .init("\(id)"), "+", "COUNT", .init(Self.pageSize + (isFromStart ? 0 : 1)),
            ])
            guard isFromStart else { return entries.map { ($0, false) } }
            // After the messages: what is trimmed between the two is told as a gap that was none, never the other way round.
            let facts = connection.send(["XINFO", "STREAM", key]).flatMapErrorThrowing { _ in RedisReply.null }
            return entries.and(facts).map { ($0, Self.isTrimmed($1)) }
        }
    }

    /// Whether messages were added that are not there any more.
    private static func isTrimmed(_ facts: RedisReply) -> Bool {
        let fields = facts.array ?? []
        func number(_ name: String) -> Int64? {
            for place in stride(from: 0, to: fields.count - 1, by: 2) where fields[place].string == name {
                return fields[place + 1].integer
            }
            return nil
        }
        guard let added = number("entries-added"), let there = number("length") else { return false }
        return added > there
    }

    /// The id of the last message that was kept; zero if there is none.
    func end(_ channel: ChannelName) -> EventLoopFuture<HistoryID> {
        self.redis.connection().flatMap { connection in
            connection.send(["XREVRANGE", .init(Keys.history(channel)), "+", "-", "COUNT", "1"])
        }.map { Self.id($0.array?.first) ?? .zero }
    }

    private static func id(_ entry: RedisReply?) -> HistoryID? {
        entry?.array?.first?.string.flatMap { HistoryID($0) }
    }

    private func read(
        _ reply: RedisReply, after asked: HistoryID, isTrimmed: Bool, _ onFlaw: (RenderedEvent.Flaw) -> Void
    ) -> Page {
        let entries = reply.array ?? []
        var page = Page()
        page.isLast = entries.count < Self.pageSize + (asked == .zero ? 0 : 1)
        page.isAfterGap = asked == .zero ? isTrimmed : Self.id(entries.first) != asked
        for entry in entries {
            guard let id = Self.id(entry), id != asked else { continue }
            page.last = id
            page.first = page.first ?? id
            do throws(RenderedEvent.Flaw) {
                page.events.append(try RenderedEvent(Self.message(entry), id: id, longest: self.longest))
            } catch {
                onFlaw(error)
            }
        }
        return page
    }

    /// The field `message`; nothing if the entry is somebody else's.
    private static func message(_ entry: RedisReply) -> [UInt8] {
        let fields = entry.array?.last?.array ?? []
        for place in stride(from: 0, to: fields.count - 1, by: 2) where fields[place].string == "message" {
            return fields[place + 1].bytes ?? []
        }
        return []
    }
}
