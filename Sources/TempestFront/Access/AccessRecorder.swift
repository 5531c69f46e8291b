// The requests of one connection or stream that are not in the access log yet, oldest first: told what comes and goes, it says what to log.

import NIOCore

struct AccessRecorder {
    private struct Open {
        var entry: AccessEntry
        var since: NIODeadline
    }

    private var open = CircularBuffer<Open>(initialCapacity: 1)

    /// A request's head has come.
    mutating func begin(_ entry: AccessEntry, _ now: NIODeadline) { open.append(Open(entry: entry, since: now)) }

    /// The id of the request whose response begins.
    var id: String? { open.first?.entry.id }

    /// The head of a response goes out. `stray`: the entry of one that answers no request that was understood.
    /// Returns what is to be logged already: a response to HEAD ends with its head.
    mutating func respond(_ status: Int, _ now: NIODeadline, stray: () -> AccessEntry) -> AccessEntry? {
        if open.isEmpty { begin(stray(), now) }
        open[open.startIndex].entry.status = status
        return open[open.startIndex].entry.method == "HEAD" ? end(now) : nil
    }

    mutating func send(_ bytes: Int) {
        if open.first?.entry.status != nil { open[open.startIndex].entry.bytes += bytes }
    }

    /// The response has ended; nil when none had begun.
    mutating func end(_ now: NIODeadline) -> AccessEntry? {
        guard open.first?.entry.status != nil, let first = open.popFirst() else { return nil }
        var entry = first.entry
        (entry.isWhole, entry.duration) = (true, now - first.since)
        return entry
    }

    /// The connection is gone: what was not answered to the end.
    mutating func abort(_ now: NIODeadline) -> [AccessEntry] {
        defer { open.removeAll() }
        return open.map { open in
            var entry = open.entry
            entry.duration = now - open.since
            return entry
        }
    }
}
