import Testing

@testable import Tempest

@Suite("When to claim, adopt and park")
struct ClaimStateTests {
    private let levels = [Level.high, .default, .low]

    private func reply(jobs: Int = 0, bytes: Int = 0, paused: Set<Level> = [], broken: Set<Level> = []) throws -> ClaimReply {
        var reply = try ClaimReply(.array([.array([])]))
        reply.jobs = (0..<jobs).map { ClaimedJob(claim: Claim(.default, $0), payload: []) }
        (reply.bytes, reply.paused, reply.broken) = (bytes, paused, broken)
        return reply
    }

    @Test("It begins by adopting and claiming, and parks once a claim found less than it asked for")
    func dry() throws {
        var state = ClaimState(levels: levels)
        #expect(state.wantsAdopt && state.wantsClaim)
        _ = state.note(try reply(jobs: 3), wanted: 10)
        #expect(!state.wantsAdopt && !state.wantsClaim)
        #expect(state.parkable == levels)
    }

    @Test("A full claim, or one that was stopped by its size, is followed by another")
    func more() throws {
        var state = ClaimState(levels: levels)
        _ = state.note(try reply(jobs: 10), wanted: 10)
        #expect(state.wantsClaim)
        _ = state.note(try reply(jobs: 1, bytes: 2 << 20), wanted: 10)
        #expect(state.wantsClaim)
    }

    @Test(
        "A landed job wakes it; a tick or a freed slot alone does not",
        arguments: [(Rings.landed, true), (.tick, false), (.slot, false)])
    func woken(_ rings: Rings, _ wakes: Bool) throws {
        var state = ClaimState(levels: levels)
        _ = state.note(try reply(), wanted: 1)
        state.woken(rings)
        #expect(state.wantsAdopt == wakes && state.wantsClaim == wakes)
    }

    @Test("While a level is paused each tick is a reason to claim: nothing else tells that it is open again")
    func paused() throws {
        var state = ClaimState(levels: levels)
        _ = state.note(try reply(paused: [.low]), wanted: 1)
        state.woken(.tick)
        #expect(state.wantsClaim && !state.wantsAdopt)
    }

    @Test("Nobody parks on a paused level or on a key that is no list")
    func closed() throws {
        var state = ClaimState(levels: levels)
        #expect(state.note(try reply(paused: [.low], broken: [.high]), wanted: 1))
        #expect(state.parkable == [.default])
        #expect(!state.note(try reply(broken: [.high]), wanted: 1))
        #expect(state.note(try reply(), wanted: 1))
        #expect(state.parkable == levels)
    }

    @Test("Another shape of the reply is a protocol error", arguments: [RedisReplyShape.integer, .short, .payload])
    func shape(_ shape: RedisReplyShape) {
        #expect(throws: RedisError.self) { try ClaimReply(shape.reply) }
    }
}
