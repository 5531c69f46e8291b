import TempestCodecs
import TempestProtocol
import Testing

@testable import Tempest

@Suite("Several answers to one job")
struct ConversationTests {
    private func answer(_ value: Int64, seq: Int64 = 0, token: String? = nil, more: Bool = false) throws -> Answer {
        var meta: ValueMap = [:]
        if more { meta["more"] = true }
        if let token { (meta["token"], meta["seq"]) = (.text(token), .int(seq)) }
        var args = TokenBuffer()
        try args.int(value)
        let bytes = try JSONCodec().encode(AnswerDraft(action: "a", id: .text("j"), args: args, count: 1, meta: meta))
        return try Answer(bytes, codecs: .standard, limits: .standard)
    }

    private func values(_ delivery: Conversation.Delivery) -> [Int64] { delivery.answers.compactMap { $0.args[0].int } }

    @Test("Parts are delivered in the order of their numbers, each once")
    func order() throws {
        var conversation = Conversation(usesParts: true)
        #expect(values(conversation.receive(try answer(1, seq: 1, token: "t", more: true))) == [])
        #expect(values(conversation.receive(try answer(0, seq: 0, token: "t", more: true))) == [0, 1])
        #expect(values(conversation.receive(try answer(0, seq: 0, token: "t", more: true))) == [])
        let last = conversation.receive(try answer(2, seq: 2, token: "t"))
        #expect(values(last) == [2])
        guard case .success? = last.end else { return #expect(Bool(false), "it must have ended") }
    }

    @Test("A second attempt replaces the first as long as nothing of it was used")
    func replaced() throws {
        var conversation = Conversation(usesParts: true)
        #expect(values(conversation.receive(try answer(1, seq: 1, token: "first", more: true))) == [])
        #expect(values(conversation.receive(try answer(0, seq: 0, token: "second", more: true))) == [0])
        #expect(values(conversation.receive(try answer(9, seq: 1, token: "second"))) == [9])
    }

    @Test("After that two attempts are never spliced: the call fails")
    func interrupted() throws {
        var conversation = Conversation(usesParts: true)
        _ = conversation.receive(try answer(0, seq: 0, token: "first", more: true))
        guard case .failure(.interrupted)? = conversation.receive(try answer(0, seq: 0, token: "second", more: true)).end else {
            return #expect(Bool(false), "it must be interrupted")
        }
    }

    @Test("Who waits for the last answer alone may have it from any attempt")
    func lastAlone() throws {
        var conversation = Conversation(usesParts: false)
        _ = conversation.receive(try answer(0, seq: 0, token: "first", more: true))
        _ = conversation.receive(try answer(0, seq: 0, token: "second", more: true))
        #expect(values(conversation.receive(try answer(7, seq: 1, token: "second"))) == [7])
    }
}
