// When a connection of HTTP/1 has used up its time: pure, told what happened and asked every so often. Before it: RequestGate, which
// watches. After it: RequestGate, which answers 408 or closes.

import NIOCore

/// The times of one connection.
struct ConnectionTimes {
    enum Verdict: Equatable {
        case fine
        /// No next request: closed without a word.
        case idle
        /// A header that does not end: 408.
        case slowHeader
        /// A body that hardly comes: 408.
        case slowBody
        /// A response that is hardly taken: cut.
        case stalled
    }

    private let limits: ConnectionLimits
    private var waitingSince: NIODeadline
    private var progress: WriteProgress
    private var lastLook: NIODeadline
    private var bodyWait = TimeAmount.zero
    private var bodyBytes = 0
    private var hasHadRequest = false

    init(limits: ConnectionLimits, now: NIODeadline) {
        (self.limits, waitingSince, lastLook) = (limits, now, now)
        progress = WriteProgress(now, span: limits.writeStall, rate: limits.writeRate)
    }

    /// The last response has ended: the time of the next request begins.
    mutating func responseEnded(_ now: NIODeadline) { (waitingSince, hasHadRequest) = (now, true) }

    mutating func bodyBegins() { (bodyWait, bodyBytes) = (.zero, 0) }
    mutating func bodyCame(_ bytes: Int) { bodyBytes += bytes }

    /// - Parameters:
    ///   - firstByte: when the first byte of a next request came.
    ///   - isBusy: a request is being read or answered.
    ///   - wantsBody: a body is being read and the front waits for bytes of it, rather than the client for the front.
    ///   - waiting: whether bytes wait that the client could take.
    ///   - taken: how many it has taken so far.
    mutating func look(
        _ now: NIODeadline, firstByte: NIODeadline?, isBusy: Bool, wantsBody: Bool, waiting: Bool, taken: Int
    ) -> Verdict {
        let since = now - lastLook
        lastLook = now
        if progress.isSlow(waiting: waiting, taken: taken, now) { return .stalled }
        if !isBusy {
            if let firstByte { return now - max(firstByte, waitingSince) >= limits.header ? .slowHeader : .fine }
            // Browsers connect to ask: who connects and says nothing is held for no longer than who says it slowly.
            let patience = hasHadRequest ? limits.idle : min(limits.idle, limits.header)
            return now - waitingSince >= patience ? .idle : .fine
        }
        if wantsBody, let rate = limits.bodyRate {
            bodyWait = bodyWait + since
            if bodyWait >= limits.bodyGrace {
                let due = Double(rate) * Double(bodyWait.nanoseconds) / 1e9
                if Double(bodyBytes) < due { return .slowBody }
                bodyBegins()
            }
        }
        return .fine
    }
}
