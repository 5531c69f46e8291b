// The body of a response for a file: parts of it, and what stands between them.

import Hummingbird
import NIOCore
import Tempest

struct FileBody: Sendable {
    enum Piece: Sendable {
        case bytes(ByteBuffer)
        case range(Range<Int>)

        var count: Int {
            switch self {
            case .bytes(let buffer): buffer.readableBytes
            case .range(let range): range.count
            }
        }
    }

    let file: OpenFile
    let threads: DiskThreads
    let pieces: [Piece]

    /// In bytes.
    var length: Int { pieces.reduce(0) { $0 + $1.count } }

    /// All at once. Blocks.
    func read() throws -> ByteBuffer {
        var all = ByteBuffer()
        for piece in pieces {
            switch piece {
            case .bytes(let buffer): all.writeImmutableBuffer(buffer)
            case .range(let range):
                let buffer = try file.read(range)
                guard buffer.readableBytes == range.count else { throw FileShrunk() }
                all.writeImmutableBuffer(buffer)
            }
        }
        return all
    }

    /// Piece by piece, as fast as the client takes them.
    var response: ResponseBody {
        ResponseBody(contentLength: length) { writer in
            for piece in pieces {
                switch piece {
                case .bytes(let buffer): try await writer.write(buffer)
                case .range(let range):
                    var offset = range.lowerBound
                    while offset < range.upperBound {
                        let next = offset..<min(offset + FileReply.piece, range.upperBound)
                        let buffer = try await threads.run { try file.read(next) }
                        // The head has promised more: only breaking the connection off tells that it does not come.
                        guard buffer.readableBytes > 0 else { throw FileShrunk() }
                        offset += buffer.readableBytes
                        try await writer.write(buffer)
                    }
                }
            }
            try await writer.finish(nil)
        }
    }
}

/// A file became shorter while it was sent.
struct FileShrunk: Error, CustomStringConvertible {
    var description: String { "a file became shorter while it was sent" }
}
