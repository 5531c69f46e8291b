// The job that is measured: a number, a text and three numbers, as the comparisons with other systems use it. Before it: a number. After
// it: bytes in the list.

import Tempest
import TempestCodecs
import TempestProtocol

/// Makes payloads of the action `note`, whose handler (``LoadWorker``) takes typed arguments and returns the number.
struct LoadJob {
    let codec: any Codec
    let inbox: InboxID?
    let text: String

    /// `size`: bytes of the text.
    init(codec: any Codec, size: Int, inbox: InboxID?) {
        (self.codec, self.inbox) = (codec, inbox)
        text = String(String(repeating: "tempest ", count: size / 8 + 1).prefix(size))
    }

    func payload(_ number: Int) throws -> [UInt8] {
        var args = TokenBuffer()
        try args.record(number)
        try args.record(text)
        try args.record([1, 2, 3])
        return try codec.encode(
            JobDraft(action: "note", args: args, count: 3, respondTo: inbox, id: .random()), limits: .standard)
    }

    /// The same as a request that a client pushes.
    func request(_ number: Int) throws -> JobRequest { try JobRequest("note", number, text, [1, 2, 3]) }
}
