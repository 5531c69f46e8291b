// The body of a worker's answer, held to the length that its head promised.

import HTTPTypes
import Hummingbird
import NIOCore

/// What a browser gets of a body, and how long the head says that it is.
struct AnswerContent: Sendable {
    /// More came than was promised: what is too much is not sent.
    struct Excess: Error, CustomStringConvertible {
        var description: String { "a body is longer than its content-length, and was cut there" }
    }

    private static let bodiless: Set<Int> = [204, 205, 304]

    /// Whether the response has a body at all.
    let hasBody: Bool
    /// For `content-length`; nil: the length is not known, or may not be said.
    let length: Int?
    /// What came with the head.
    let first: ByteBuffer
    private var promised: PromisedLength

    /// - Parameter isWhole: whether the head's piece is the whole body.
    init(_ head: AnswerHead, isWhole: Bool, of method: HTTPRequest.Method) {
        first = head.body
        hasBody = method != .head && !Self.bodiless.contains(head.status.code)
        if head.status.code == 205 {
            length = 0
        } else if Self.bodiless.contains(head.status.code) {
            length = nil
        } else if method == .head, head.length == nil, head.body.readableBytes == 0 {
            // Made without a body, as one may for HEAD: how long it would be is not known.
            length = nil
        } else {
            length = head.length ?? (isWhole ? head.body.readableBytes : nil)
        }
        promised = PromisedLength(hasBody ? length.map { "\($0)" } : nil)
        if isWhole, hasBody { _ = promised.take(head.body.readableBytes) }
    }

    /// Whether more came than was promised.
    var isExceeded: Bool { promised.isExceeded }
    /// What is wrong with a body that ends here; nil: nothing.
    var problem: UnfitAnswer? {
        guard promised.isShort else { return nil }
        return UnfitAnswer(description: "the body ended \(promised.left ?? 0) bytes before its content-length")
    }

    /// The body of an answer that is whole: cut, or broken off at its end if it is shorter than promised.
    var body: ResponseBody {
        var rest = first
        let body = rest.readSlice(length: min(length ?? .max, rest.readableBytes)) ?? rest
        guard let problem else { return ResponseBody(byteBuffer: body) }
        return ResponseBody(contentLength: length) { writer in
            if body.readableBytes > 0 { try await writer.write(body) }
            throw problem
        }
    }

    /// What is to be sent of the next piece of a stream; nil: nothing.
    mutating func next(_ piece: ByteBuffer) throws -> ByteBuffer? {
        guard piece.readableBytes > 0 else { return nil }
        let wanted = promised.take(piece.readableBytes)
        return wanted > 0 ? piece.getSlice(at: piece.readerIndex, length: wanted) : nil
    }

    /// The stream has ended. Throws if something of what was promised is missing.
    func end() throws { if let problem { throw problem } }
}
