// The ids and the access log of the requests of one connection of HTTP/1. MessageWatch shows it each message.

import NIOCore
import NIOHTTP1
import TempestProtocol

/// Gives each request an id, each response that of its request, and logs what became of them.
struct AccessLedger {
    private let policy: AccessPolicy
    private var recorder = AccessRecorder()

    init(_ policy: AccessPolicy) { self.policy = policy }

    /// The head of a request has come. False: it has a fit id, and is left as it was.
    mutating func open(_ head: inout HTTPRequestHead, _ channel: any Channel) -> Bool {
        var isChanged = true
        let id: String
        if head.headers.contains(name: RequestID.header) {
            let given = head.headers[RequestID.header]
            id = RequestID.taken(given)
            isChanged = given.count != 1 || given.first != id
            if isChanged { head.headers.replaceOrAdd(name: RequestID.header, value: id) }
        } else {
            id = RequestID.taken([])
            head.headers.add(name: RequestID.header, value: id)
        }
        if policy.log == nil {
            recorder.begin(id: id, isHead: head.method == .HEAD)
        } else {
            recorder.begin(entry(head, id, channel), channel.eventLoop.now)
        }
        return isChanged
    }

    /// The head of a response goes out. False: it has the id of its request, and is left as it was.
    mutating func respond(_ head: inout HTTPResponseHead, _ channel: any Channel) -> Bool {
        if recorder.isEmpty { recorder.begin(stray(channel), channel.eventLoop.now) }
        guard let id = recorder.respond(Int(head.status.code)) else { return false }
        var isChanged = false
        switch head.headers.first(name: RequestID.header) {
        case id?: break
        case nil:
            head.headers.add(name: RequestID.header, value: id)
            isChanged = true
        default:
            head.headers.replaceOrAdd(name: RequestID.header, value: id)
            isChanged = true
        }
        log(recorder.endHead(channel.eventLoop.now))
        return isChanged
    }

    /// A part of a response's body goes out, so many bytes.
    mutating func send(_ bytes: Int) { recorder.send(bytes) }

    /// The response has ended.
    mutating func close(_ channel: any Channel) { log(recorder.end(channel.eventLoop.now)) }

    /// The connection is gone.
    mutating func abort(_ channel: any Channel) {
        for entry in recorder.abort(channel.eventLoop.now) { policy.log?.write(entry) }
    }

    private func log(_ entry: AccessEntry?) {
        if let entry { policy.log?.write(entry) }
    }

    private func entry(_ head: HTTPRequestHead, _ id: String, _ channel: any Channel) -> AccessEntry {
        AccessEntry(
            time: WallClock.milliseconds(), id: id,
            client: policy.client(channel.remoteAddress, forwarded: head.headers["x-forwarded-for"]),
            host: head.headers.first(name: "host"), method: head.method.rawValue, path: AccessEntry.path(of: head.uri),
            version: "HTTP/\(head.version.major).\(head.version.minor)",
            referer: AccessEntry.referer(head.headers.first(name: "referer")),
            userAgent: HeaderBytes.plain(head.headers.first(name: "user-agent")))
    }

    private func stray(_ channel: any Channel) -> AccessEntry {
        AccessEntry(
            time: WallClock.milliseconds(), id: RequestID.taken([]),
            client: policy.client(channel.remoteAddress, forwarded: []),
            method: "-", version: "HTTP/1.1")
    }
}
