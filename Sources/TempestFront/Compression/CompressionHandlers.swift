// The handlers that compress marked responses on a connection of HTTP/1 or a stream of HTTP/2: NIO's compressor, kept from deciding.

import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOHTTPTypesHTTP1

enum CompressionHandlers {
    /// Between the gate and Hummingbird's handlers of HTTP/1.
    ///
    /// - Parameter bytes: the watch of the connection.
    static func http1(_ bytes: ByteWatch) -> [any ChannelHandler] {
        let choice = CodingChoice()
        return [choice, compressor(), CompressorMemory(bytes), CodingRestoration(choice)]
    }

    /// After the codec of a stream of HTTP/2, whose parts become those of HTTP/1 for the compressor.
    static func http2(_ bytes: ByteWatch) -> [any ChannelHandler] {
        [HTTPToHTTP1ServerCodec()] + http1(bytes) + [HTTP1ToHTTPServerCodec(secure: true)]
    }

    private static func compressor() -> HTTPResponseCompressor {
        HTTPResponseCompressor { head, _ in
            guard head.headers.contains(name: Compression.mark) else { return .doNotCompress }
            head.headers.remove(name: Compression.mark)
            // It is that of other bytes. The compressor knows the new one when the whole body is there.
            head.headers.remove(name: "content-length")
            return .compressIfPossible
        }
    }
}

/// Before the compressor: shows it gzip as the one coding that the client takes. Left to itself it would prefer deflate, which clients
/// understand in two ways.
private final class CodingChoice: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    /// What the request that is on its way through the compressor has said.
    fileprivate var lines: [String] = []

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        lines = head.headers["accept-encoding"]
        head.headers.replaceOrAdd(name: "accept-encoding", value: "gzip")
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }
}

/// After the compressor: workers and files see what the client has said.
private final class CodingRestoration: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private let choice: CodingChoice

    init(_ choice: CodingChoice) { self.choice = choice }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        head.headers.remove(name: "accept-encoding")
        for line in choice.lines { head.headers.add(name: "accept-encoding", value: line) }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }
}

/// After the compressor: counts what it holds while a response goes through it, so that many slow readers of compressed responses are
/// as many as the front's bound allows.
private final class CompressorMemory: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Of zlib with its usual window and memory level, for gzip: 2^17 bytes for each, and its state (zlib.h, deflateInit2).
    private static let size = (1 << 17) + (1 << 17) + (6 << 10)

    private let bytes: ByteWatch
    private var isCounted = false

    init(_ bytes: ByteWatch) { self.bytes = bytes }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head) where !isCounted && head.headers.contains(name: Compression.mark): count(true)
        case .end where isCounted: count(false)
        default: break
        }
        context.write(data, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isCounted { count(false) }
        context.fireChannelInactive()
    }

    private func count(_ isThere: Bool) {
        isCounted = isThere
        bytes.account?.add(isThere ? Self.size : -Self.size)
    }
}
