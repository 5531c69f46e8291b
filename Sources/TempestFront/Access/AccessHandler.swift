// The access log and request ids of a connection of HTTP/1. It stands next to the decoder, so that it sees what is refused early too.

import NIOCore
import NIOHTTP1
import TempestProtocol

/// Gives each request an id, passes it on, and logs what became of the request.
final class AccessHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let policy: AccessPolicy
    private var recorder = AccessRecorder()
    private var isUpgraded = false

    init(_ policy: AccessPolicy) { self.policy = policy }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        let id: String
        if head.headers.contains(name: RequestID.header) {
            let given = head.headers[RequestID.header]
            id = RequestID.taken(given)
            if given.count != 1 || given.first != id { head.headers.replaceOrAdd(name: RequestID.header, value: id) }
        } else {
            id = RequestID.taken([])
            head.headers.add(name: RequestID.header, value: id)
        }
        if policy.log == nil {
            recorder.begin(id: id, isHead: head.method == .HEAD)
        } else {
            recorder.begin(entry(head, id, context), context.eventLoop.now)
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if isUpgraded { return context.write(data, promise: promise) }
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.code >= 200 || head.status == .switchingProtocols:
            if recorder.isEmpty { recorder.begin(stray(context), context.eventLoop.now) }
            if let id = recorder.respond(Int(head.status.code)) {
                if head.headers.contains(name: RequestID.header) {
                    head.headers.replaceOrAdd(name: RequestID.header, value: id)
                } else {
                    head.headers.add(name: RequestID.header, value: id)
                }
            }
            log(recorder.endHead(context.eventLoop.now))
            context.write(wrapOutboundOut(.head(head)), promise: promise)
            if head.status == .switchingProtocols {
                // What comes from now on is not HTTP.
                isUpgraded = true
                log(recorder.end(context.eventLoop.now))
                context.pipeline.syncOperations.removeHandler(self, promise: nil)
            }
        case .body(let body):
            recorder.send(body.readableBytes)
            context.write(data, promise: promise)
        case .end:
            log(recorder.end(context.eventLoop.now))
            context.write(data, promise: promise)
        case .head: context.write(data, promise: promise)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        for entry in recorder.abort(context.eventLoop.now) { policy.log?.write(entry) }
        context.fireChannelInactive()
    }

    private func log(_ entry: AccessEntry?) {
        if let entry { policy.log?.write(entry) }
    }

    private func entry(_ head: HTTPRequestHead, _ id: String, _ context: ChannelHandlerContext) -> AccessEntry {
        AccessEntry(
            time: WallClock.milliseconds(), id: id,
            client: policy.client(context.channel.remoteAddress, forwarded: head.headers["x-forwarded-for"]),
            host: head.headers.first(name: "host"), method: head.method.rawValue, path: AccessEntry.path(of: head.uri),
            version: "HTTP/\(head.version.major).\(head.version.minor)",
            referer: AccessEntry.referer(head.headers.first(name: "referer")),
            userAgent: HeaderBytes.plain(head.headers.first(name: "user-agent")))
    }

    private func stray(_ context: ChannelHandlerContext) -> AccessEntry {
        AccessEntry(
            time: WallClock.milliseconds(), id: RequestID.taken([]),
            client: policy.client(context.channel.remoteAddress, forwarded: []),
            method: "-", version: "HTTP/1.1")
    }
}
