// The requests of one connection or stream that are not answered to their end yet, oldest first: told what comes and goes, it knows their
// ids, and says what to log.

import NIOCore

struct AccessRecorder {
    /// What is to be logged of a request; in one place, as it is changed while the request moves.
    private final class Record {
        var entry: AccessEntry
        let since: NIODeadline

        init(_ entry: AccessEntry, _ since: NIODeadline) { (self.entry, self.since) = (entry, since) }
    }

    private struct Open {
        let id: String
        let isHead: Bool
        var hasResponse = false
        /// nil: it is not logged.
        var record: Record?
    }

    private var open = CircularBuffer<Open>(initialCapacity: 1)

    /// The head of a request that is not logged has come.
    mutating func begin(id: String, isHead: Bool) { open.append(Open(id: id, isHead: isHead)) }

    /// The head of a request has come.
    mutating func begin(_ entry: AccessEntry, _ now: NIODeadline) {
        open.append(Open(id: entry.id, isHead: entry.method == "HEAD", record: Record(entry, now)))
    }

    /// Whether a request waits for its response, or has not all of it.
    var isEmpty: Bool { open.isEmpty }

    /// The head of a response goes out. Returns the id of its request; nil when there is none.
    mutating func respond(_ status: Int) -> String? {
        guard !open.isEmpty else { return nil }
        open[open.startIndex].hasResponse = true
        open[open.startIndex].record?.entry.status = status
        return open[open.startIndex].id
    }

    mutating func send(_ bytes: Int) {
        if let first = open.first, first.hasResponse { first.record?.entry.bytes += bytes }
    }

    /// The head of a response has gone out: one to HEAD has ended with it. Returns what is to be logged.
    mutating func endHead(_ now: @autoclosure () -> NIODeadline) -> AccessEntry? {
        open.first?.isHead == true ? end(now()) : nil
    }

    /// The response has ended. Returns what is to be logged.
    mutating func end(_ now: @autoclosure () -> NIODeadline) -> AccessEntry? {
        guard open.first?.hasResponse == true, let record = open.removeFirst().record else { return nil }
        record.entry.isWhole = true
        record.entry.duration = now() - record.since
        return record.entry
    }

    /// The connection is gone. Returns what is to be logged of what was not answered to the end.
    mutating func abort(_ now: NIODeadline) -> [AccessEntry] {
        defer { open.removeAll() }
        return open.compactMap { open in
            guard let record = open.record else { return nil }
            record.entry.duration = now - record.since
            return record.entry
        }
    }
}
