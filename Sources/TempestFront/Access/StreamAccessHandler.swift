// The access log and request ids of one stream of HTTP/2, next to its multiplexer.

import NIOCore
import NIOHPACK
import NIOHTTP2
import TempestProtocol

/// Gives the stream's request an id, passes it on, and logs what became of the request.
final class StreamAccessHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let policy: AccessPolicy
    private var recorder = AccessRecorder()
    private var hasRequest = false

    init(_ policy: AccessPolicy) { self.policy = policy }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Headers that come after the first are trailers.
        guard !hasRequest, case .headers(var frame) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        hasRequest = true
        let given = frame.headers[RequestID.header]
        let id = RequestID.taken(given)
        if given.count != 1 || given.first != id { Self.set(id, in: &frame.headers) }
        if policy.log == nil {
            recorder.begin(id: id, isHead: frame.headers.first(name: ":method") == "HEAD")
        } else {
            recorder.begin(entry(frame.headers, id, context), context.eventLoop.now)
        }
        context.fireChannelRead(wrapInboundOut(.headers(frame)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .headers(var frame):
            guard let status = frame.headers.first(name: ":status").flatMap({ Int($0) }), status >= 200 else {
                if frame.endStream { end(context) }
                return context.write(data, promise: promise)
            }
            if recorder.isEmpty { recorder.begin(entry([:], RequestID.taken([]), context), context.eventLoop.now) }
            if let id = recorder.respond(status), frame.headers.first(name: RequestID.header) != id {
                Self.set(id, in: &frame.headers)
            }
            if let entry = recorder.endHead(context.eventLoop.now) { policy.log?.write(entry) }
            let isEnd = frame.endStream
            context.write(wrapOutboundOut(.headers(frame)), promise: promise)
            if isEnd { end(context) }
        case .data(let frame):
            recorder.send(frame.data.readableBytes)
            context.write(data, promise: promise)
            if frame.endStream { end(context) }
        default: context.write(data, promise: promise)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        for entry in recorder.abort(context.eventLoop.now) { policy.log?.write(entry) }
        context.fireChannelInactive()
    }

    private func end(_ context: ChannelHandlerContext) {
        if let entry = recorder.end(context.eventLoop.now) { policy.log?.write(entry) }
    }

    private static func set(_ id: String, in headers: inout HPACKHeaders) {
        if headers.contains(name: RequestID.header) { headers.remove(name: RequestID.header) }
        headers.add(name: RequestID.header, value: id)
    }

    private func entry(_ headers: HPACKHeaders, _ id: String, _ context: ChannelHandlerContext) -> AccessEntry {
        let method = headers.first(name: ":method") ?? "-"
        return AccessEntry(
            time: WallClock.milliseconds(), id: id,
            client: policy.client(context.channel.remoteAddress, forwarded: headers["x-forwarded-for"]),
            host: headers.first(name: ":authority") ?? headers.first(name: "host"), method: method,
            path: headers.first(name: ":path").map(AccessEntry.path), version: "HTTP/2.0",
            referer: AccessEntry.referer(headers.first(name: "referer")), userAgent: headers.first(name: "user-agent"))
    }
}
