// What a client of HTTP/2 sends, as NIO's HTTP/2 is to see it. Used by HTTP2Wire, which applies what is decided here.

import NIOCore
import NIOHTTP2

/// Frames that NIO takes for the end of a connection, and that are the fault of one stream or none, do not reach it as they came:
///
/// - A header without a name gets one that no header may have, so that its request alone is refused.
/// - A header block in many small frames is passed on in few large ones, since NIO counts them.
/// - Priorities (RFC 9113 5.3.2 has done away with them), also a stream's on itself, and DATA without a byte say nothing, and are dropped:
///   NIO counts them, too. A priority of another length is its stream's fault.
/// - In settings the client takes frames of any size: NIO would write no header block that is larger than one. ``HTTP2Outlet`` cuts them.
///   And its table of headers is small, whatever it offers.
/// - The server's settings hold from the first request on: NIO is told of their confirmation when the client's settings come. Before the
///   confirmation NIO's limit for headers is 16 KiB, and the first request of a browser with many cookies would end the connection.
///
/// All else passes as it comes, bodies in pieces, other frames whole.
struct HTTP2Intake {
    enum Step {
        case pass(ByteBuffer)
        /// The client takes frames with so many bytes.
        case frameSize(Int)
        /// A frame that is wrong, and cannot harm more than its stream.
        case fault(stream: Int, HTTP2ErrorCode)
    }

    private enum Verdict {
        case pass
        case drop
        case instead([Step])
        /// The frame interrupts a header block: what there is of that comes first, and NIO says what is wrong.
        case interrupted
    }

    /// A header block of which more is to come.
    private struct Open {
        let header: HTTP2FrameHeader
        var payload: ByteBuffer
        var fields: HeaderBlock
        /// Frames.
        var count = 1
    }

    /// More frames than this for one header block, or more bytes than ``MultiplexedChannel/headerBound``, are NIO's to refuse.
    private static let mostFrames = 256

    /// Bytes of the table by which a response's headers are compressed, at most: what HTTP/2 begins with.
    private static let mostTable: UInt32 = 4096

    /// So many frames that are wrong are forgiven; NIO sees the others, and ends the connection.
    private static let mostFaults = 1000

    private static let confirmation = HTTP2FrameHeader(
        type: HTTP2FrameHeader.Kind.settings, flags: HTTP2FrameHeader.Flags.acknowledgement, stream: 0, length: 0)

    private let headerBound: Int
    /// What is not passed on yet.
    private var buffer = ByteBuffer()
    /// Up to where the buffer has been looked at: all before it passes.
    private var place = 0
    /// How many bytes pass unseen: of the client's preface, then of a frame's payload.
    private var unseen = 24
    private var hasSettings = false
    private var faults = 0
    private var open: Open?
    /// Steps that wait behind the one that was taken.
    private var later: [Step] = []

    /// - Parameter headerBound: bytes of a header block that NIO takes.
    init(headerBound: Int) { self.headerBound = headerBound }

    /// The stream of a header block that is not whole; nil: there is none.
    var half: Int? { open?.header.stream }

    mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            (buffer, place) = (bytes, bytes.readerIndex)
        } else {
            var bytes = bytes
            let seen = place - buffer.readerIndex
            // What was read must not pile up on a connection on which frames never end where reads do.
            buffer.discardReadBytes()
            place = buffer.readerIndex + seen
            buffer.writeBuffer(&bytes)
        }
    }

    /// What is to be done next; nil: wait for more bytes.
    mutating func next() -> Step? {
        if !later.isEmpty { return later.removeFirst() }
        while place < buffer.writerIndex {
            let rest = buffer.writerIndex - place
            if unseen > 0 {
                let count = min(unseen, rest)
                (unseen, place) = (unseen - count, place + count)
                continue
            }
            guard let header = HTTP2FrameHeader(buffer, at: place) else { return passed() }
            // A body need not be whole to be passed on. All else must be: NIO would keep the pieces, and what it has read before them.
            let isBody = header.type == HTTP2FrameHeader.Kind.data && header.length > 0 && open == nil
            guard !isBody, header.length <= HTTP2FrameHeader.smallestLimit else {
                if let step = interrupt() { return step }
                (unseen, place) = (header.length, place + HTTP2FrameHeader.size)
                continue
            }
            guard rest >= HTTP2FrameHeader.size + header.length,
                let payload = buffer.getSlice(at: place + HTTP2FrameHeader.size, length: header.length)
            else { return passed() }
            switch verdict(header, payload) {
            case .pass: place += HTTP2FrameHeader.size + header.length
            case .drop: if let step = skip(header, []) { return step }
            case .instead(let steps): if let step = skip(header, steps) { return step }
            case .interrupted: if let step = interrupt() { return step }
            }
        }
        return passed()
    }

    /// Everything that has been looked at.
    private mutating func passed() -> Step? {
        guard let part = buffer.readSlice(length: place - buffer.readerIndex), part.readableBytes > 0 else { return nil }
        if buffer.readableBytes == 0 { (buffer, place) = (ByteBuffer(), 0) }
        return .pass(part)
    }

    /// Passes what is before a frame, and does the steps instead of the frame.
    private mutating func skip(_ header: HTTP2FrameHeader, _ steps: [Step]) -> Step? {
        later = steps
        let before = passed()
        buffer.moveReaderIndex(forwardBy: HTTP2FrameHeader.size + header.length)
        place = buffer.readerIndex
        return before ?? (later.isEmpty ? nil : later.removeFirst())
    }

    /// Passes what there is of a header block that does not go on.
    private mutating func interrupt() -> Step? {
        guard let open else { return nil }
        self.open = nil
        // Nothing was looked at since it began: its frames were taken out of the buffer.
        return written(open, isWhole: false)
    }

    // MARK: Frames

    private mutating func verdict(_ header: HTTP2FrameHeader, _ payload: ByteBuffer) -> Verdict {
        if let open {
            guard header.type == HTTP2FrameHeader.Kind.continuation, header.stream == open.header.stream else {
                return .interrupted
            }
            return continuation(open, header, payload)
        }
        // A frame of the connection itself, or one of a stream that is not one: NIO says what is wrong with it.
        switch header.type {
        case HTTP2FrameHeader.Kind.data where header.stream != 0 && !header.has(HTTP2FrameHeader.Flags.endStream): return .drop
        case HTTP2FrameHeader.Kind.headers: return headers(header, payload)
        case HTTP2FrameHeader.Kind.priority where header.stream != 0:
            if header.length == 5 { return .drop }
            faults += 1
            return faults > Self.mostFaults ? .pass : .instead([.fault(stream: header.stream, .frameSizeError)])
        case HTTP2FrameHeader.Kind.settings where header.stream == 0: return settings(header, payload)
        default: return .pass
        }
    }

    private mutating func headers(_ header: HTTP2FrameHeader, _ payload: ByteBuffer) -> Verdict {
        guard let (block, dependency) = Self.block(header, payload) else { return .pass }
        var plain = HTTP2FrameHeader(
            type: header.type, flags: header.flags & HTTP2FrameHeader.Flags.endStream, stream: header.stream, length: 0)
        // A stream that depends on itself was an error, and is none any more.
        let dependsOnItself = dependency.map { Int($0.word & 0x7FFF_FFFF) == header.stream } ?? false
        var content = ByteBuffer()
        if let dependency, !dependsOnItself {
            plain.flags |= HTTP2FrameHeader.Flags.priority
            content.writeInteger(dependency.word)
            content.writeInteger(dependency.weight)
        }
        var fields = HeaderBlock()
        let names = block.withUnsafeReadableBytes { fields.emptyNames(in: $0) }
        let isWhole = header.has(HTTP2FrameHeader.Flags.endHeaders)
        if isWhole, names.isEmpty, !dependsOnItself { return .pass }
        Self.append(block, names, to: &content)
        let open = Open(header: plain, payload: content, fields: fields)
        if isWhole { return .instead([written(open, isWhole: true)]) }
        self.open = open
        return .drop
    }

    private mutating func continuation(_ before: Open, _ header: HTTP2FrameHeader, _ payload: ByteBuffer) -> Verdict {
        var open = before
        // Not two owners of what is appended to.
        self.open = nil
        open.count += 1
        let names = payload.withUnsafeReadableBytes { open.fields.emptyNames(in: $0) }
        Self.append(payload, names, to: &open.payload)
        if header.has(HTTP2FrameHeader.Flags.endHeaders) { return .instead([written(open, isWhole: true)]) }
        guard open.count < Self.mostFrames, open.payload.readableBytes <= headerBound else {
            return .instead([written(open, isWhole: false)])
        }
        self.open = open
        return .drop
    }

    private func written(_ open: Open, isWhole: Bool) -> Step {
        var buffer = ByteBuffer()
        HTTP2FrameHeader.write(
            open.payload, of: open.header, isWhole: isWhole, limit: HTTP2FrameHeader.smallestLimit, to: &buffer)
        return .pass(buffer)
    }

    /// Appends a header block with names where there are none.
    private static func append(_ block: ByteBuffer, _ emptyNames: [Int], to content: inout ByteBuffer) {
        var rest = block
        for (number, place) in emptyNames.enumerated() {
            let start = number == 0 ? 0 : emptyNames[number - 1] + 1
            if var part = rest.readSlice(length: place - start) { content.writeBuffer(&part) }
            rest.moveReaderIndex(forwardBy: 1)
            content.writeBytes([1, UInt8(ascii: " ")])
        }
        content.writeBuffer(&rest)
    }

    /// The header block of HEADERS without what may be around it, and what the stream depends on; nil: it does not fit together.
    private static func block(_ header: HTTP2FrameHeader, _ payload: ByteBuffer) -> (ByteBuffer, (word: UInt32, weight: UInt8)?)?
    {
        var block = payload
        var dependency: (word: UInt32, weight: UInt8)?
        var padding = 0
        if header.has(HTTP2FrameHeader.Flags.padded) {
            guard let length = block.readInteger(as: UInt8.self) else { return nil }
            padding = Int(length)
        }
        if header.has(HTTP2FrameHeader.Flags.priority) {
            guard let (word, weight) = block.readMultipleIntegers(as: (UInt32, UInt8).self) else { return nil }
            dependency = (word, weight)
        }
        guard block.readableBytes >= padding else { return nil }
        block.moveWriterIndex(to: block.writerIndex - padding)
        return (block, dependency)
    }

    private mutating func settings(_ header: HTTP2FrameHeader, _ payload: ByteBuffer) -> Verdict {
        if header.has(HTTP2FrameHeader.Flags.acknowledgement) { return header.length == 0 ? .drop : .pass }
        guard header.length % 6 == 0 else { return .pass }
        let isFirst = !hasSettings
        hasSettings = true
        var (rest, content) = (payload, ByteBuffer())
        var size: Int?
        while let (name, value) = rest.readMultipleIntegers(as: (UInt16, UInt32).self) {
            switch name {
            case HTTP2FrameHeader.Setting.frameSize:
                let limits = HTTP2FrameHeader.smallestLimit...HTTP2FrameHeader.largestLimit
                guard limits.contains(Int(value)) else { return .pass }
                size = Int(value)
                content.writeMultipleIntegers(name, UInt32(HTTP2FrameHeader.largestLimit))
            case HTTP2FrameHeader.Setting.tableSize:
                // NIO's encoder looks through all of its table for each header that it writes.
                content.writeMultipleIntegers(name, min(value, Self.mostTable))
            case HTTP2FrameHeader.Setting.known: content.writeMultipleIntegers(name, value)
            default: break
            }
        }
        if size == nil, isFirst {
            content.writeMultipleIntegers(HTTP2FrameHeader.Setting.frameSize, UInt32(HTTP2FrameHeader.largestLimit))
        }
        guard content.readableBytes <= HTTP2FrameHeader.smallestLimit else { return .pass }
        var frames = ByteBuffer()
        var changed = header
        changed.length = content.readableBytes
        changed.write(to: &frames)
        frames.writeBuffer(&content)
        if isFirst { Self.confirmation.write(to: &frames) }
        return .instead((size.map { [.frameSize($0)] } ?? []) + [.pass(frames)])
    }
}
