// A job as it comes out of a queue. Before it: a claimed payload. After it: the look-up of a handler by `action`.

public import TempestCodecs

/// `[action, args, respond_to, job_id]`, read from the bytes of any codec. The arguments stay in the codec's parse until a
/// handler asks for them.
public struct Job: Sendable {
    /// The name of the handler: 1 to 255 bytes, without control characters.
    public let action: String
    /// The arguments: an array.
    public let args: Node
    /// Where answers go; nil if nobody waits.
    public let respondTo: String?
    public let id: JobID
    /// The fifth element: empty if there was none.
    public let meta: ValueMap
    /// The codec that the job came in, which is the codec of its answers unless `meta.accept` says otherwise.
    public let codec: any Codec

    package let address: Address?
    package static let longestAction = 255
    package static let longestID = 128

    /// Why a direct address of a job with this action may not be answered; nil: it may.
    package typealias DirectRule = (_ host: String, _ port: Int, _ action: String) -> String?

    /// Reads a payload. Without a rule no direct address is accepted. Throws ``Malformed`` with the reason that goes into the dead record.
    ///
    /// - Parameter readsSingle: whether args that are no array are read as one argument, and null as none, as ruby-tempest writes them.
    package init(
        _ payload: [UInt8], codecs: CodecSet, limits: Limits, readsSingle: Bool = false,
        directRule: DirectRule = { _, _, _ in "direct answers are not allowed here" }
    ) throws(Malformed) {
        guard let codec = codecs.detect(payload) else {
            let first = payload.first.map { "0x" + String($0, radix: 16) } ?? "nothing"
            throw Malformed(.badCodec, "no codec begins with \(first)")
        }
        let document: Document
        do {
            document = try codec.parse(payload, limits: limits)
        } catch {
            throw Malformed(.badCodec, "\(error)")
        }
        let root = document.root
        if root.kind == .map { throw Malformed(.foreign, "a map: the envelope of another system") }
        guard root.kind == .array else { throw Malformed(.badEnvelope, "a \(root.kind), not an array") }
        guard (4...5).contains(root.count) else {
            throw Malformed(.badEnvelope, "\(root.count) elements; a job has 4 or 5")
        }
        guard let action = root[0].envelopeText(codec), EnvelopeText.isPlain(action, longest: Self.longestAction) else {
            throw Malformed(.badEnvelope, "action is not text of 1 to \(Self.longestAction) bytes without control characters")
        }
        let args = readsSingle ? try Self.list(root[1], codec, limits) : root[1]
        guard args.kind == .array else { throw Malformed(.badEnvelope, "args is a \(args.kind), not an array") }
        guard let id = JobID(root[3], codec) else {
            throw Malformed(
                .badEnvelope, "job_id is neither an integer nor text of 1 to \(Self.longestID) bytes without control characters")
        }
        var meta = ValueMap()
        if root.count == 5 {
            guard root[4].kind == .map, case .map(let map) = root[4].value else {
                throw Malformed(.badEnvelope, "meta is a \(root[4].kind), not a map")
            }
            meta = map
        }
        (self.action, self.args, self.id, self.meta, self.codec) = (action, args, id, meta, codec)
        if root[2].isNull {
            (self.respondTo, self.address) = (nil, nil)
        } else {
            guard let text = root[2].envelopeText(codec) else {
                throw Malformed(.badAddress, "respond_to is \(root[2].kind), neither text nor null")
            }
            guard let address = Address(text) else {
                throw Malformed(.badAddress, "respond_to \(Name.quoted(text)) is no inbox id")
            }
            if case .direct(let host, let port) = address, let refusal = directRule(host, port, action) {
                throw Malformed(.badAddress, "respond_to \(Name.quoted(text)) is a direct address: \(refusal)")
            }
            (self.respondTo, self.address) = (text, address)
        }
    }
}

extension Job {
    /// Args that are no array as an array.
    private static func list(_ node: Node, _ codec: any Codec, _ limits: Limits) throws(Malformed) -> Node {
        guard node.kind != .array else { return node }
        do {
            return try codec.parse(try codec.encode(SingleArgument(node: node), limits: limits), limits: limits).root
        } catch {
            throw Malformed(.badEnvelope, "args is a \(node.kind) that cannot be read as one argument: \(error)")
        }
    }

    private struct SingleArgument: TokenWritable {
        let node: Node

        func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
            try writer.beginArray(count: node.isNull ? 0 : 1)
            if !node.isNull { try writer.write(node) }
            try writer.endArray()
        }
    }

    /// The codec to answer in: the first that its caller reads and is one of these, or the job's own.
    package func answerCodec(of codecs: CodecSet) -> any Codec {
        guard case .array(let names)? = meta["accept"] else { return codec }
        var found: (any Codec)?
        for name in names {
            // A list that is not of text alone is none.
            guard case .text(let name) = name else { return codec }
            found = found ?? codecs.named(name)
        }
        return found ?? codec
    }
}

extension JobID {
    /// From the envelope field; nil if it is no job id.
    package init?(_ node: Node, _ codec: any Codec) {
        if let integer = node.int {
            self = .integer(Int128(integer))
        } else if let integer = node.uint {
            self = .integer(Int128(integer))
        } else if let text = node.envelopeText(codec), EnvelopeText.isPlain(text, longest: Job.longestID) {
            self = .text(text)
        } else {
            return nil
        }
    }
}

/// What the text fields of an envelope may be.
package enum EnvelopeText {
    package static func isPlain(_ text: String, longest: Int) -> Bool {
        guard (1...longest).contains(text.utf8.count) else { return false }
        // Each job's action and id: over the bytes as they lie, not one by one out of the string.
        var text = text
        return text.withUTF8 { bytes in bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }
    }
}

extension Node {
    /// Text, or binary that is UTF-8 where the codec says that senders may mean text by it.
    package func envelopeText(_ codec: any Codec) -> String? {
        if kind == .text { return text }
        guard kind == .binary, codec.binaryMayBeText, let bytes else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
