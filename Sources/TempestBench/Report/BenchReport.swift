// Everything that a run found: what tables, JSON and the plot are made of.
// Before it: CodecBench. After it: the command prints it.

/// The result of a run.
package struct BenchReport: Sendable {
    package var machine = Machine()
    /// Libraries and languages with their versions, ours first.
    package var versions: [(name: String, version: String)] = []
    package var seed: UInt64
    package var rounds: Int
    package var command: [String] = []
    /// In UTC, ISO 8601.
    package var date = ""
    /// Whether the program was built with optimisation: without it no figure means anything.
    package var isOptimised: Bool
    /// Whether peers were asked for.
    package var isComparison = false
    package var missingPeers: [String] = []
    package var payloads: [PayloadResult] = []

    package init(seed: UInt64, rounds: Int, isOptimised: Bool) {
        (self.seed, self.rounds, self.isOptimised) = (seed, rounds, isOptimised)
    }
}

/// What was found for a payload.
package struct PayloadResult: Sendable {
    package let name: String
    package let about: String
    package var sizes: [CodecSize] = []
    package var measurements: [Measurement] = []
    /// What could not be measured, and why.
    package var remarks: [String] = []

    /// Names come from files: what terminals obey is taken out here, for all reports.
    package init(name: String, about: String) { (self.name, self.about) = (Shown.name(name), Shown.name(about, most: 200)) }

    /// The measurement of a candidate, if there is one.
    package subscript(_ maker: String, _ codec: String, _ kind: CandidateKey.Kind, _ direction: CandidateKey.Direction)
        -> Measurement?
    {
        let key = CandidateKey(maker, codec, kind, direction)
        return measurements.first { $0.key == key }
    }

    /// Libraries with codec and kind, in the order in which they were measured.
    var lines: [(maker: String, codec: String, kind: CandidateKey.Kind)] {
        var seen: Set<[String]> = []
        return measurements.map(\.key).compactMap { key in
            seen.insert([key.maker, key.codec, key.kind.rawValue]).inserted ? (key.maker, key.codec, key.kind) : nil
        }
    }
}

/// How large a payload is in a codec, and what is lost in it.
package struct CodecSize: Sendable, Equatable {
    /// The bytes after a compressor.
    package struct Compressed: Sendable, Equatable {
        /// `gzip -6`.
        package let name: String
        package let bytes: Int

        package init(name: String, bytes: Int) { (self.name, self.bytes) = (name, bytes) }
    }

    package let codec: String
    /// nil if the codec cannot hold it: `refusal` says why.
    package let bytes: Int?
    /// By the compressors that the system has.
    package let compressed: [Compressed]
    /// Bytes of memory at the peak of reading it to a `Value`; nil where that is too little to tell, or not known.
    package let peak: Int?
    /// What is lost, in sentences.
    package let losses: [String]
    package let refusal: String?

    package init(
        codec: String, bytes: Int?, compressed: [Compressed] = [], peak: Int? = nil, losses: [String] = [], refusal: String? = nil
    ) {
        (self.codec, self.bytes, self.compressed, self.peak) = (codec, bytes, compressed, peak)
        (self.losses, self.refusal) = (losses, refusal)
    }
}
