// Forms as browsers send them (multipart/form-data, RFC 7578 and 2046), read as they come in: a state machine without I/O that is
// fed buffers and hands out heads and pieces of content.

package import NIOCore

/// Reads a form from buffers that may be cut anywhere. It holds at most one buffer, or one part's head, and never a content.
///
/// What has two readings is refused: a boundary inside a longer line, a folded header, a bare CR or LF in a head.
package struct MultipartReader: Sendable {
    package enum Event: Equatable, Sendable {
        /// A part begins.
        case part(MultipartPart)
        /// A piece of the part's content, never empty.
        case data(ByteBuffer)
        /// The part has ended.
        case partEnd
        /// The form has ended; what follows is not read.
        case end
    }

    package struct Limits: Sendable, Hashable {
        /// How long the head of a part may be, in bytes.
        package var head = 16 << 10
        /// How many parts there may be.
        package var parts = 1000
        /// How much may stand before the first boundary and after the last, in bytes.
        package var around = 4096

        package init() {}
    }

    private enum State {
        /// Before the first boundary; goes to `afterBoundary`.
        case preamble
        /// Right after a boundary; goes to `head` or, after two hyphens, to `epilogue`.
        case afterBoundary
        /// In a part's head; goes to `emptyLine`.
        case head
        /// Before the end of the line after a head; goes to `content`.
        case emptyLine
        /// In a part's content; goes to `afterBoundary`.
        case content
        /// After the last boundary; stays.
        case epilogue
    }

    private let limits: Limits
    /// CR, LF, two hyphens, the boundary.
    private let delimiter: [UInt8]
    private var state = State.preamble
    private var pending: ByteBuffer
    private var parts = 0
    private var around = 0
    /// How much of a head is known not to hold its end.
    private var searched = 0
    /// A boundary was read, and the content before it handed out.
    private var isAtBoundary = false

    package init(boundary: [UInt8], limits: Limits = Limits()) {
        self.limits = limits
        self.delimiter = Array("\r\n--".utf8) + boundary
        // The first boundary may stand at the very beginning: as if a line had ended before it.
        self.pending = ByteBuffer(string: "\r\n")
        self.around = -2
    }

    /// Whether the last boundary was read.
    package var isOver: Bool { if case .epilogue = state { true } else { false } }

    /// Takes the body's next buffer. To be called when `next` has returned nil.
    package mutating func feed(_ buffer: ByteBuffer) {
        if pending.readableBytes == 0 {
            pending = buffer
        } else {
            var buffer = buffer
            pending.discardReadBytes()
            pending.writeBuffer(&buffer)
        }
    }

    /// What can be told from the buffers so far; nil: the next buffer is needed.
    package mutating func next() throws(FormError) -> Event? {
        switch state {
        case .preamble:
            let content = readContent()
            around += content.bytes?.readableBytes ?? 0
            guard around <= limits.around else {
                throw FormError(.malformed, "the form does not begin with the boundary that its content type names")
            }
            guard content.isWhole else { return nil }
            state = .afterBoundary
            return try next()
        case .afterBoundary:
            guard let isLast = try readBoundaryEnd() else { return nil }
            if isLast {
                state = .epilogue
                return .end
            }
            parts += 1
            guard parts <= limits.parts else { throw FormError(.tooLarge, "the form has more than \(limits.parts) parts") }
            state = .head
            return try next()
        case .head:
            guard let head = try readHead() else { return nil }
            let part = try MultipartPart(head)
            state = .emptyLine
            return .part(part)
        case .emptyLine:
            guard readEmptyLine() else { return nil }
            state = .content
            return try next()
        case .content:
            let content = readContent()
            if let bytes = content.bytes {
                isAtBoundary = content.isWhole
                return .data(bytes)
            }
            guard content.isWhole else { return nil }
            isAtBoundary = false
            state = .afterBoundary
            return .partEnd
        case .epilogue:
            around += pending.readableBytes
            pending.clear()
            guard around <= limits.around else { throw FormError(.malformed, "there is more after the form's last boundary") }
            return nil
        }
    }

    /// To be called at the end of the body. Throws when the form had not ended.
    package func finish() throws(FormError) {
        guard isOver else {
            throw FormError(.truncated, "the form ends before its last boundary: it is not whole")
        }
    }

    /// Reads content up to the next boundary, and the boundary. `bytes`: content that certainly is some. `isWhole`: the boundary
    /// came after it.
    private mutating func readContent() -> (bytes: ByteBuffer?, isWhole: Bool) {
        if isAtBoundary { return (nil, true) }
        let (length, isWhole) = pending.withUnsafeReadableBytes { Self.find(delimiter, in: $0) }
        let bytes = length > 0 ? pending.readSlice(length: length) : nil
        if isWhole { pending.moveReaderIndex(forwardBy: delimiter.count) }
        return (bytes, isWhole)
    }

    /// How many bytes stand before the delimiter or, if its end is not there yet, before what could be its beginning. A delimiter has
    /// one CR, its first byte: after a beginning that was none the search goes on behind it.
    private static func find(_ delimiter: [UInt8], in bytes: UnsafeRawBufferPointer) -> (length: Int, isWhole: Bool) {
        delimiter.withUnsafeBytes { delimiter in
            var place = 0
            while place < bytes.count {
                guard bytes[place] == 0x0D else {
                    place += 1
                    continue
                }
                let most = min(delimiter.count, bytes.count - place)
                var matched = 1
                while matched < most, bytes[place + matched] == delimiter[matched] { matched += 1 }
                if matched == most { return (place, matched == delimiter.count) }
                place += matched
            }
            return (bytes.count, false)
        }
    }

    /// What follows a boundary: two hyphens after the last one, a new line after the others, spaces before that. True: it was the
    /// last.
    private mutating func readBoundaryEnd() throws(FormError) -> Bool? {
        let view = pending.readableBytesView
        guard let first = view.first else { return nil }
        if first == UInt8(ascii: "-") {
            guard view.count >= 2 else { return nil }
            guard view[view.startIndex + 1] == UInt8(ascii: "-") else { throw Self.longerLine }
            pending.moveReaderIndex(forwardBy: 2)
            return true
        }
        let spaces = view.prefix { $0 == 0x20 || $0 == 0x09 }.count
        guard spaces <= 64 else { throw Self.longerLine }
        let rest = view.dropFirst(spaces)
        guard rest.prefix(2).elementsEqual([0x0D, 0x0A].prefix(min(2, rest.count))) else { throw Self.longerLine }
        guard rest.count >= 2 else { return nil }
        pending.moveReaderIndex(forwardBy: spaces + 2)
        return false
    }

    private static var longerLine: FormError {
        FormError(.malformed, "a line of the form goes on after the boundary: choose a boundary that the content has not")
    }

    /// Reads the end of a head's empty line, unless it is the beginning of a boundary: a part without content may have no other line for it
    /// (RFC 2046, 5.1.1). False: there are too few bytes to tell.
    private mutating func readEmptyLine() -> Bool {
        let view = pending.readableBytesView
        let count = min(view.count, delimiter.count)
        if view.prefix(count).elementsEqual(delimiter.prefix(count)) { return count == delimiter.count }
        pending.moveReaderIndex(forwardBy: 2)
        return true
    }

    /// The lines of a head up to the empty one, whose end is left: it may be the beginning of a boundary.
    private mutating func readHead() throws(FormError) -> [UInt8]? {
        let view = pending.readableBytesView
        let end: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A]
        // No line at all.
        if view.starts(with: end.prefix(2)) { return [] }
        // What was looked through before is not again, but for an end that was cut.
        var index = view.startIndex + max(0, searched - end.count)
        while let found = view[index...].firstIndex(of: 0x0D), found - view.startIndex <= limits.head {
            if view[found...].starts(with: end) {
                let head = pending.readBytes(length: found - view.startIndex) ?? []
                pending.moveReaderIndex(forwardBy: 2)
                searched = 0
                return head
            }
            index = found + 1
        }
        searched = view.count
        guard view.count <= limits.head else {
            throw FormError(.tooLarge, "a part of the form has a head of more than \(limits.head) bytes")
        }
        return nil
    }
}
