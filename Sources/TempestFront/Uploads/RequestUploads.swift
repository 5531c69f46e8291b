// The uploads of one request, until it ends: answered to the last piece, refused, or its browser gone.

import Hummingbird
import NIOCore
import Synchronization

/// Removes the uploads of a request, but for those that a worker keeps, when the request has ended; once.
final class RequestUploads: Sendable {
    private let uploads: Uploads
    private let share: AddressShare?
    private let body: Mutex<ReceivedBody?>

    init(_ uploads: Uploads, _ body: ReceivedBody, share: AddressShare?) {
        (self.uploads, self.share) = (uploads, share)
        self.body = Mutex(body)
    }

    /// A response that nobody began to write has ended, too.
    deinit {
        guard let body = body.withLock({ $0 }), !body.uploads.isEmpty else { return }
        let (uploads, share) = (uploads, share)
        Task {
            await uploads.release(body)
            share?.end()
        }
    }

    func end() async {
        let body = body.withLock { body in
            defer { body = nil }
            return body
        }
        guard let body else { return }
        await uploads.release(body)
        share?.end()
    }

    /// The response, at whose end the uploads are removed: before its last bytes, so that whoever has them all finds nothing left.
    func ending(with response: Response) -> Response {
        var response = response
        let (body, length) = (response.body, response.body.contentLength)
        response.body = ResponseBody(contentLength: length) { writer in
            do {
                try await body.write(EndingWriter(writer: writer, uploads: self, length: length))
            } catch {
                await self.end()
                throw error
            }
        }
        return response
    }
}

private struct EndingWriter: ResponseBodyWriter {
    var writer: any ResponseBodyWriter
    let uploads: RequestUploads
    let length: Int?
    var written = 0

    @concurrent mutating func write(_ buffer: ByteBuffer) async throws {
        written += buffer.readableBytes
        if let length, written >= length { await uploads.end() }
        try await writer.write(buffer)
    }

    @concurrent consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        await uploads.end()
        try await writer.finish(trailingHeaders)
    }
}
