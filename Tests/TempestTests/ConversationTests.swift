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

    /// What can be taken now.
    private func values(_ conversation: inout Conversation) -> [Int64] {
        var values: [Int64] = []
        while let answer = conversation.take() { if let value = answer.args[0].int { values.append(value) } }
        return values
    }

    @Test("Parts are given in the order of their numbers, each once")
    func order() throws {
        var conversation = Conversation(usesParts: true)
        #expect(conversation.receive(try answer(1, seq: 1, token: "t", more: true)))
        #expect(values(&conversation) == [])
        #expect(conversation.receive(try answer(0, seq: 0, token: "t", more: true)))
        #expect(values(&conversation) == [0, 1])
        #expect(!conversation.receive(try answer(0, seq: 0, token: "t", more: true)))
        #expect(conversation.receive(try answer(2, seq: 2, token: "t")))
        #expect(values(&conversation) == [2])
        guard case .success? = conversation.end else { return #expect(Bool(false), "it must have ended") }
    }

    @Test("What waits is counted, also when it is replaced or cut off")
    func bytes() throws {
        var conversation = Conversation(usesParts: true)
        let part = try answer(0, seq: 0, token: "first", more: true)
        _ = conversation.receive(part)
        _ = conversation.receive(try answer(2, seq: 2, token: "first", more: true))
        #expect((conversation.bytes, conversation.held) == (2 * part.size, 2))
        _ = conversation.receive(try answer(0, seq: 0, token: "other", more: true))
        #expect((conversation.bytes, conversation.held) == (part.size, 1))
        _ = conversation.take()
        #expect((conversation.bytes, conversation.held) == (0, 0))
        _ = conversation.receive(try answer(1, seq: 1, token: "other", more: true))
        _ = conversation.receive(try answer(3, seq: 3, token: "other", more: true))
        _ = conversation.receive(try answer(0, seq: 0, token: "third", more: true))
        #expect((conversation.bytes, conversation.held) == (0, 0))
        guard case .failure(.interrupted)? = conversation.end else { return #expect(Bool(false), "it must be interrupted") }
    }
}
