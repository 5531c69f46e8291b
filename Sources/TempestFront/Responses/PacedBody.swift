// Writes the body of a response as fast as its client takes it, and counts what waits.

import HTTPTypes
import Hummingbird
import NIOCore

extension Response {
    /// What is handed to a connection at once, bytes: more would wait in it, however slow its client is.
    private static let piece = 64 << 10

    /// The same response, whose body counts as waiting for its client until the connection has taken it.
    ///
    /// A small one is left as it is: it is handed over at once, and counted there.
    func paced(on channel: any Channel) -> Response {
        if let length = body.contentLength, length <= Self.piece { return self }
        var response = self
        response.body = ResponseBody(contentLength: body.contentLength) { [body] writer in
            guard let account = await ConnectionAccount.of(channel) else { return try await body.write(writer) }
            try await body.write(PacedWriter(parent: writer, waiting: WaitingBytes(account), piece: Self.piece))
        }
        return response
    }
}

// Concurrent, as Hummingbird's writers are: they are no values that may be handed to and fro.
private struct PacedWriter: ResponseBodyWriter {
    var parent: any ResponseBodyWriter
    let waiting: WaitingBytes
    let piece: Int

    @concurrent mutating func write(_ buffer: ByteBuffer) async throws {
        var rest = buffer
        // All of it until its last piece is written: the pieces are slices, and any of them keeps the whole.
        let count = rest.readableBytes
        waiting.add(count)
        while rest.readableBytes > 0, let part = rest.readSlice(length: min(piece, rest.readableBytes)) {
            try await parent.write(part)
        }
        waiting.add(-count)
    }

    @concurrent mutating func write(contentsOf buffers: some Sequence<ByteBuffer>) async throws {
        let buffers = Array(buffers)
        let count = buffers.reduce(0) { $0 + $1.readableBytes }
        guard count <= piece else {
            for buffer in buffers { try await write(buffer) }
            return
        }
        waiting.add(count)
        try await parent.write(contentsOf: buffers)
        waiting.add(-count)
    }

    @concurrent consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        try await parent.finish(trailingHeaders)
    }
}
