// One operation of one library on one payload, ready to be timed.
// Before it: a payload and its bytes. After it: Rounds runs it, batch by batch.

/// Who does what, in which codec, which way.
package struct CandidateKey: Hashable, Sendable {
    /// What is read into and written from.
    package enum Kind: String, Sendable, CaseIterable {
        /// A dynamic value: ours, or a language's own objects.
        case value
        /// A type through Codable.
        case codable
        /// A type that reads and writes the tokens itself.
        case tokens
        /// The envelope of a job, arguments untouched.
        case job
        /// The envelope of an answer, arguments untouched.
        case answer
        /// The bytes themselves, by a compressor.
        case compressed

        /// As tables call it.
        var title: String { self == .compressed ? "compress" : rawValue }
    }

    package enum Direction: String, Sendable, CaseIterable {
        /// From bytes.
        case decode
        /// To bytes.
        case encode
    }

    package static let tempest = "tempest"

    /// The library: `tempest`, `orjson`, `Foundation`, …
    package var maker: String
    /// `json`, `msgpack` or `tnetstring`.
    package var codec: String
    package var kind: Kind
    package var direction: Direction

    package init(_ maker: String, _ codec: String, _ kind: Kind, _ direction: Direction) {
        (self.maker, self.codec, self.kind, self.direction) = (maker, codec, kind, direction)
    }
}

/// An operation to time. Lives in one task: what it runs may be a child process.
package struct Candidate {
    package let key: CandidateKey
    /// The bytes that one operation reads or writes.
    let bytes: Int
    /// Does it so many times; the nanoseconds that it took.
    let run: (Int) async throws -> Double

    init(_ key: CandidateKey, bytes: Int, run: @escaping (Int) async throws -> Double) {
        (self.key, self.bytes, self.run) = (key, bytes, run)
    }

    /// An operation of this process. What it returns is folded into the sink, so that the optimiser must leave it in.
    init(_ key: CandidateKey, bytes: Int, operation: @escaping () throws -> Int) {
        self.init(key, bytes: bytes) { iterations in
            var folded = 0
            // Without a suspension in between: the thread stays the same.
            let start = ThreadClock.now
            for _ in 0..<iterations { folded &+= try operation() }
            let time = ThreadClock.now - start
            Sink.take(folded)
            return Double(time)
        }
    }
}

/// Where results go so that nothing is optimised away.
enum Sink {
    @inline(never)
    static func take(_ result: Int) {
        withExtendedLifetime(result) {}
    }
}
