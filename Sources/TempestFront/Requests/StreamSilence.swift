// What becomes of a worker's stream while nothing comes: how long it may be silent, and comments that keep an event stream open.

import HTTPTypes
import NIOCore

/// The silence between two pieces of one stream.
struct StreamSilence: Sendable {
    /// How long nothing may come, before the stream is broken off; nil: as long as the worker likes.
    let idle: Duration?
    /// After how much silence a comment is sent; nil: this is no event stream, or its bytes are not for the front to add to.
    let pause: Duration?
    /// Whether a line may begin here: within one a comment would become a part of it.
    private var isBetweenLines = true

    init(_ route: FrontRoute, _ headers: HTTPFields) {
        let type = headers[.contentType]?.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
        let isEventStream = type == "text/event-stream"
        idle = route.idle ?? (isEventStream ? nil : route.deadline)
        // Compressed bytes, and those whose number was said, cannot be added to.
        let isOpen = headers[.contentEncoding].map { $0.lowercased() == "identity" } ?? true
        pause = isEventStream && isOpen && headers[.contentLength] == nil ? route.comments : nil
    }

    /// The headers with which proxies pass an event stream on as it comes.
    func mark(_ headers: inout HTTPFields) {
        guard pause != nil, let name = HTTPField.Name("X-Accel-Buffering") else { return }
        if headers[name] == nil { headers[name] = "no" }
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
    }

    /// These bytes have been written.
    mutating func wrote(_ piece: ByteBuffer) {
        // Not after CR: an LF that is still to come belongs to it, and would end the event if a comment came between.
        if let last = piece.readableBytesView.last { isBetweenLines = last == UInt8(ascii: "\n") }
    }

    /// What to write after ``pause``: one line, since an empty one would end an event of which more is to come.
    var comment: ByteBuffer? { pause != nil && isBetweenLines ? Self.line : nil }

    private static let line = ByteBuffer(staticString: ":\n")
}
