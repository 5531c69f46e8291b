// Uploads by GET, POST and DELETE, for workers that do not share the folder. A route's handler; before it the router has cut the token from the
// path.

import HTTPTypes
public import Hummingbird
import Logging
import NIOCore
import Tempest
import TempestProtocol

extension Uploads {
    /// Answers `GET <prefix>/<token>` and HEAD with the content, or the part of it that `Range` asks for; POST keeps the content when
    /// its request ends, DELETE removes it: 204.
    ///
    /// Who knows the token may do all of it. The content is sent as bytes to be saved, never as the page that a browser would show.
    /// 404 for a token that is none, or whose content is not there any more; 405 for other methods, 416 for a range that begins after
    /// the end.
    public func respond(to request: Request, token: String) async throws -> Response {
        switch request.method {
        case .get, .head: break
        case .post: return await change(token, "an upload could not be kept") { try await $0.keep(token) }
        case .delete: return await change(token, "an upload could not be removed") { try await $0.remove(token) }
        default: return Response(status: .methodNotAllowed, headers: [.allow: "GET, HEAD, POST, DELETE"])
        }
        let found: StoredUpload?
        do {
            found = RandomToken.isToken(token) ? try await store?.open(token) : nil
        } catch let error as UploadError {
            logger.error("an upload could not be read", metadata: ["error": "\(error)"])
            return Response(status: .serviceUnavailable)
        }
        guard let found else { return Response(status: .notFound) }
        var headers = Self.headers
        // Ranges are for GET alone; whoever makes one depend on a version gets all: contents never change, and have no versions.
        let isWhole = request.method == .head || request.headers[.ifRange] != nil
        switch ByteRanges(isWhole ? nil : request.headers[.range], size: found.size, mostParts: 1) {
        case .whole:
            headers[.contentLength] = "\(found.size)"
            return Response(
                status: .ok, headers: headers,
                body: request.method == .head ? ResponseBody() : Self.body(found, 0..<found.size))
        case .parts(let parts):
            let range = parts[0]
            headers[.contentLength] = "\(range.count)"
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(found.size)"
            return Response(status: .partialContent, headers: headers, body: Self.body(found, range))
        case .unsatisfiable:
            return Response(status: .rangeNotSatisfiable, headers: [.contentRange: "bytes */\(found.size)"])
        }
    }

    private func change(
        _ token: String, _ failure: Logger.Message, _ body: (any UploadStore) async throws -> Bool
    ) async -> Response {
        do {
            guard RandomToken.isToken(token), let store, try await body(store) else { return Response(status: .notFound) }
        } catch {
            logger.error(failure, metadata: ["error": "\(error)"])
            return Response(status: .serviceUnavailable)
        }
        var response = Response(status: .noContent)
        response.headers[.contentLength] = nil
        return response
    }

    private static let chunk = 128 << 10

    /// A browser that follows such a link saves what it gets: somebody else's page must not be shown as ours.
    private static let headers: HTTPFields = [
        .contentType: "application/octet-stream", .contentDisposition: "attachment", .xContentTypeOptions: "nosniff",
        .acceptRanges: "bytes", .cacheControl: "private, no-store", .contentSecurityPolicy: "default-src 'none'; sandbox",
    ]

    private static func body(_ upload: StoredUpload, _ range: Range<Int>) -> ResponseBody {
        ResponseBody(contentLength: range.count) { writer in
            var offset = range.lowerBound
            while offset < range.upperBound {
                let buffer = try await upload.read(offset, min(Self.chunk, range.upperBound - offset))
                // The head has promised more: only breaking the connection off tells that it does not come.
                guard buffer.readableBytes > 0 else { throw UploadError(.changed, "an upload became shorter while it was sent") }
                offset += buffer.readableBytes
                try await writer.write(buffer)
            }
            try await writer.finish(nil)
        }
    }
}
