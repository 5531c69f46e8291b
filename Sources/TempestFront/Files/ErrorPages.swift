// Pages of the folder for what is refused: read once, so that they can be shown when nothing else works.

import HTTPTypes
import Hummingbird
import NIOCore

/// Pages by status.
struct ErrorPages: Sendable {
    private static let mostBytes = 1 << 20

    private var pages: [Int: ByteBuffer] = [:]

    /// Blocks. Throws ``FrontConfigurationError`` for a page that cannot be had.
    init(_ options: StaticFilesOptions) throws(FrontConfigurationError) {
        for (status, name) in options.errors.sorted(by: { $0.key < $1.key }) {
            guard (400...599).contains(status) else {
                throw FrontConfigurationError("files: a page for errors has a status of 400 to 599, not \(status)")
            }
            let file = try StaticFiles.page(name, of: options, "the page for errors \(status)")
            guard file.size <= Self.mostBytes else {
                throw FrontConfigurationError(
                    "files: the page for errors \(status), \(name), has more than \(Self.mostBytes) bytes")
            }
            do { pages[status] = try file.read(0..<file.size) } catch {
                throw FrontConfigurationError("files: the page for errors \(status), \(name), cannot be read: \(error)")
            }
        }
    }

    /// The refusal as a page, for who can read one; else as it is.
    func response(to refusal: Refusal, asked headers: HTTPFields) -> Response {
        var response = refusal.response
        guard let page = pages[refusal.status.code], QualityList.acceptsPages(headers) else { return response }
        response.headers[.contentType] = "text/html; charset=utf-8"
        response.headers[.xContentTypeOptions] = "nosniff"
        response.body = ResponseBody(byteBuffer: page)
        return response
    }
}
