// The limit: what this Redis does for the same functions that workers call, driven by a loop that does nothing else. Before it: a filled
// queue. After it: jobs a second, which the drain is put beside.

import CHiredis
import TempestProtocol
import TempestRedis

/// Claims batches and settles each job with an answer that was made before; two batches are under way at any time. No payload is
/// read, no handler is run, nothing is written but what RESP needs.
struct BareDrain {
    let configuration: RedisConfiguration
    let queue: QueueName
    let levels: [String]
    let inbox: InboxID
    let batch: Int
    /// As long as an answer of a worker's.
    let answer: [UInt8]

    /// What one loop has settled, and from when to when: to connect and to say goodbye is not part of it.
    struct Share: Sendable {
        let jobs: Int
        let begin: Int
        let end: Int
    }

    /// Several may run on one queue.
    func run(_ lines: BareLines) throws -> Share {
        let connection = try BareConnection(configuration, lines)
        let process = "bare-\(UInt32.random(in: 0...UInt32.max))"
        try connection.call(["FCALL", FunctionLibrary.hello, "1", queue.description, process, "new"])
        var number = 0
        func claim() throws {
            number += 1
            try connection.append(
                [
                    "FCALL", FunctionLibrary.claim, "1", queue.description, process, "\(number)", "\(batch)",
                    "\(FunctionLibrary.moveBytes)",
                ] + levels)
        }
        enum Reply { case claim, settle }
        // Replies come in the order of the commands: two claims are ahead, so that Redis is never without work.
        var (coming, jobs, isDry) = ([Reply.claim, .claim], 0, false)
        let begin = LoadClock.now
        try claim()
        try claim()
        while !coming.isEmpty {
            guard coming.removeFirst() == .claim else {
                try connection.reply { _ in }
                continue
            }
            let slices = try connection.reply { try Self.claimed($0) }
            if slices.isEmpty { isDry = true }
            if !slices.isEmpty {
                try settle(slices, process, connection)
                coming.append(.settle)
                jobs += slices.reduce(0) { $0 + $1.count }
            }
            if !isDry {
                try claim()
                coming.append(.claim)
            }
            try connection.flush()
        }
        let end = LoadClock.now
        try connection.call(["FCALL", FunctionLibrary.goodbye, "1", queue.description, process] + levels)
        return Share(jobs: jobs, begin: begin, end: end)
    }

    /// What was claimed: closed, then level, first number and payloads, over and over.
    private static func claimed(_ reply: redisReply) throws -> [Slice] {
        var slices: [Slice] = []
        var place = 1
        while place + 2 < reply.elements {
            guard let level = reply.element[place]?.pointee, let first = reply.element[place + 1]?.pointee,
                let payloads = reply.element[place + 2]?.pointee
            else { throw LoadError("a claim was answered with something else") }
            slices.append(Slice(level: BareConnection.text(level), first: Int(first.integer), count: payloads.elements))
            place += 3
        }
        return slices
    }

    /// Jobs of one level, by the numbers of their claims.
    private struct Slice {
        let level: String
        let first: Int
        let count: Int
    }

    private func settle(_ slices: [Slice], _ process: String, _ connection: BareConnection) throws {
        var rest = BareCommand(words: 0)
        for word in [Array("done".utf8), Array(inbox.description.utf8), answer] { rest.add(word) }
        // Without the head of an empty command.
        let written = Array(rest.bytes.dropFirst(4))
        var command = BareCommand(words: 5 + 4 * slices.reduce(0) { $0 + $1.count })
        for word in ["FCALL", FunctionLibrary.settle, "1", queue.description, process] { command.add(Array(word.utf8)) }
        for slice in slices {
            for number in slice.first..<slice.first + slice.count {
                command.add(Array("\(slice.level).\(number)".utf8))
                command.add(written: written)
            }
        }
        try connection.append(command)
    }
}
