// The limit of a call, and of a wake: the same way through Redis, by two loops that do nothing else. Before it: an empty queue. After it:
// how long each took.

import CHiredis
import Foundation
import Synchronization
import TempestProtocol
import TempestRedis

/// A caller that waits in its inbox, and a worker that waits in the queue: BLMOVE, adopt, settle with an answer, BLMOVE.
struct BareCall: Sendable {
    let configuration: RedisConfiguration
    let queue: QueueName
    let calls: Int
    let payload: [UInt8]
    /// How long the caller waits before each, in nanoseconds, so that all find everybody asleep; nil: one follows the other.
    var pause: ClosedRange<Int>?

    /// One call, in nanoseconds.
    struct Trip {
        /// Until the job was there and adopted.
        var wake: Int
        /// Until the answer was there.
        var whole: Int
    }

    /// When the last job was pushed, and how long ago that was when it was adopted.
    private final class Moment: Sendable {
        let pushed = Atomic(0)
        let wake = Atomic(0)
    }

    func run(_ lines: BareLines) throws -> [Trip] {
        let (inbox, moment) = (InboxID.random(), Moment())
        let worker = Thread { [self] in try? serve(inbox, moment, lines) }
        worker.start()
        return try call(inbox, moment, lines)
    }

    private func serve(_ inbox: InboxID, _ moment: Moment, _ lines: BareLines) throws {
        let (main, parked) = (try BareConnection(configuration, lines), try BareConnection(configuration, lines))
        let process = "bare-\(UInt32.random(in: 0...UInt32.max))"
        let queue = queue.description
        try main.call(["FCALL", FunctionLibrary.hello, "1", queue, process, "new"])
        let park = ["BLMOVE", queue, "{\(queue)}:!land:\(process):default", "LEFT", "RIGHT", "0"]
        try parked.append(park)
        for number in 1...calls {
            try parked.reply { _ in }
            try main.call(["FCALL", FunctionLibrary.adopt, "1", queue, process, "default"])
            moment.wake.store(LoadClock.now - moment.pushed.load(ordering: .acquiring), ordering: .releasing)
            try main.append(
                [
                    "FCALL", FunctionLibrary.settle, "1", queue, process, "default.\(number)", "done", inbox.description,
                    "answered",
                ])
            try main.flush()
            if number < calls {
                try parked.append(park)
                try parked.flush()
            }
            try main.reply { _ in }
        }
        try main.call(["FCALL", FunctionLibrary.goodbye, "1", queue, process, "default"])
    }

    private func call(_ inbox: InboxID, _ moment: Moment, _ lines: BareLines) throws -> [Trip] {
        let (pushing, waiting) = (try BareConnection(configuration, lines), try BareConnection(configuration, lines))
        let queue = queue.description
        let key = "{\(queue)}:in:\(inbox)"
        let payload = String(decoding: payload, as: UTF8.self)
        try waiting.call(["FCALL", FunctionLibrary.listen, "1", queue, inbox.description])
        var trips: [Trip] = []
        for number in 0..<calls {
            // Confirms the answer before, and waits for the next.
            try waiting.append(["FCALL", FunctionLibrary.read, "1", queue, inbox.description, "\(number)", "1", "1000000"])
            try waiting.append(["BLMOVE", key, key, "LEFT", "LEFT", "30"])
            if let pause {
                try waiting.flush()
                LoadClock.sleep(.random(in: pause))
            }
            let start = LoadClock.now
            moment.pushed.store(start, ordering: .releasing)
            try waiting.flush()
            try pushing.call(["RPUSH", queue, payload])
            try waiting.reply { _ in }
            let isAnswer = try waiting.reply { $0.type == REDIS_REPLY_STRING }
            guard isAnswer else { throw LoadError("a bare call was not answered within 30 s") }
            trips.append(Trip(wake: moment.wake.load(ordering: .acquiring), whole: LoadClock.now - start))
        }
        try waiting.call(["FCALL", FunctionLibrary.unlisten, "1", queue, inbox.description])
        return trips
    }
}
