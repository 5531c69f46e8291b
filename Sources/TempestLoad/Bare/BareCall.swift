// The limit of a call: the same way through Redis, by two loops that do nothing else. Before it: an empty queue. After it: round trips.

import CHiredis
import Foundation
import TempestProtocol
import TempestRedis

/// A caller that waits in its inbox, and a worker that waits in the queue: BLMOVE, adopt, settle with an answer, BLMOVE.
struct BareCall: Sendable {
    let configuration: RedisConfiguration
    let queue: QueueName
    let calls: Int
    let payload: [UInt8]

    /// Nanoseconds of each round trip.
    func run() throws -> [Int] {
        let inbox = InboxID.random()
        let worker = Thread { [self] in try? serve(inbox) }
        worker.start()
        return try call(inbox)
    }

    private func serve(_ inbox: InboxID) throws {
        let (main, parked) = (try BareConnection(configuration), try BareConnection(configuration))
        let process = "bare-\(UInt32.random(in: 0...UInt32.max))"
        let queue = queue.description
        try main.call(["FCALL", FunctionLibrary.hello, "1", queue, process, "new"])
        let park = ["BLMOVE", queue, "{\(queue)}:!land:\(process):default", "LEFT", "RIGHT", "0"]
        try parked.append(park)
        for number in 1...calls {
            try parked.reply { _ in }
            try main.call(["FCALL", FunctionLibrary.adopt, "1", queue, process, "default"])
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

    private func call(_ inbox: InboxID) throws -> [Int] {
        let (pushing, waiting) = (try BareConnection(configuration), try BareConnection(configuration))
        let queue = queue.description
        let key = "{\(queue)}:in:\(inbox)"
        let payload = String(decoding: payload, as: UTF8.self)
        try waiting.call(["FCALL", FunctionLibrary.listen, "1", queue, inbox.description])
        var times: [Int] = []
        for number in 0..<calls {
            // Confirms the answer before, and waits for the next.
            try waiting.append(["FCALL", FunctionLibrary.read, "1", queue, inbox.description, "\(number)", "1", "1000000"])
            try waiting.append(["BLMOVE", key, key, "LEFT", "LEFT", "30"])
            let start = LoadClock.now
            try waiting.flush()
            try pushing.call(["RPUSH", queue, payload])
            try waiting.reply { _ in }
            let isAnswer = try waiting.reply { $0.type == REDIS_REPLY_STRING }
            guard isAnswer else { throw LoadError("a bare call was not answered within 30 s") }
            times.append(LoadClock.now - start)
        }
        try waiting.call(["FCALL", FunctionLibrary.unlisten, "1", queue, inbox.description])
        return times
    }
}
