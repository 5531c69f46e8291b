// The public face: measuring a type of the reader's own program (`tempest bench codecs --type`, examples/bench-type).
// Before it: a value of that type. After it: the same tables and advice as for payloads.

public import TempestCodecs

extension CodecBench {
    /// Measures JSON, MessagePack and tnetstring on one value of your type, and prints sizes, times and a sentence of advice.
    ///
    ///     struct Order: Codable { var id: Int; var customer: String }
    ///     try await CodecBench.measure("order", Order(id: 7, customer: "Ada"))
    ///
    /// The type is read and written through `Codable`, by our codecs and by Foundation's JSON, and beside it as a dynamic `Value`. Build
    /// with `-c release`: without optimisation the figures mean nothing, which is said. It takes some seconds.
    ///
    /// - Parameters:
    ///   - name: what the value is called in the tables.
    ///   - rounds: how often everything is measured, at least 1; figures are medians, and fewer than 4 rounds give no advice about times.
    ///
    /// Throws what the type itself throws when it is encoded, and `EncodingError` for what no codec can hold, such as a float that is not
    /// finite. What only one codec refuses is a note in the tables.
    @inlinable
    public static func measure<T: Codable & Sendable>(_ name: String, _ value: T, rounds: Int = 7) async throws {
        try await measure(OwnType(name, value), rounds: rounds)
    }

    /// Measures a type that reads and writes its tokens itself: that way too, as `tokens` in the tables.
    @inlinable
    public static func measure<T: Codable & TokenReadable & TokenWritable & Sendable>(
        _ name: String, _ value: T, rounds: Int = 7
    ) async throws {
        var own = try OwnType(name, value)
        own.addTokens(value)
        try await measure(own, rounds: rounds)
    }

    @usableFromInline
    static func measure(_ own: OwnType, rounds: Int) async throws {
        var bench = CodecBench()
        (bench.rounds.count, bench.command) = (max(1, rounds), CommandLine.arguments)
        let report = try await bench.report(own)
        print(TextReport(report, style: .terminal).text)
    }

    /// The report on a type.
    func report(_ own: OwnType) async throws -> BenchReport {
        var report = BenchReport(seed: seed, rounds: rounds.count, isOptimised: Self.isOptimised)
        (report.machine, report.command, report.date) = (.current(), command, Files.date)
        report.versions = [("Swift", Machine.swift)]
        try await measure([Payload(own)], into: &report, peers: nil) { _ in }
        return report
    }
}

/// A value of the reader's type, and what is timed of it. Its operations are made where the type is known: as in the reader's program.
@usableFromInline
struct OwnType: Sendable {
    @usableFromInline
    struct Operation: Sendable {
        let codec: String
        let isTokens: Bool
        let bytes: Int
        let decode: @Sendable () throws -> Int
        let encode: @Sendable () throws -> Int

        @usableFromInline
        init(
            codec: String, isTokens: Bool, bytes: Int, decode: @escaping @Sendable () throws -> Int,
            encode: @escaping @Sendable () throws -> Int
        ) {
            (self.codec, self.isTokens, self.bytes, self.decode, self.encode) = (codec, isTokens, bytes, decode, encode)
        }
    }

    let name: String
    let about: String
    let value: Value
    @usableFromInline var operations: [Operation] = []
    private let foundation: @Sendable () throws -> [Candidate]

    @inlinable
    init<T: Codable & Sendable>(_ name: String, _ value: T) throws {
        try self.init(name, type: "\(T.self)", encoding: value)
        addCodable(value, JSONCodec())
        addCodable(value, MessagePackCodec())
        addCodable(value, TNetstringCodec())
    }

    @usableFromInline
    init<T: Codable & Sendable>(_ name: String, type: String, encoding value: T) throws {
        (self.name, about) = (name, "your type \(type)")
        self.value = try MessagePackCodec().value(try MessagePackCodec().encode(encoding: value))
        foundation = { try FoundationCandidates.typed(value) }
    }

    @inlinable
    mutating func addCodable<T: Codable & Sendable, C: Codec>(_ value: T, _ codec: C) {
        // What this codec refuses is said where the size of the value is.
        guard let bytes = try? codec.encode(encoding: value) else { return }
        operations.append(
            Operation(codec: codec.name, isTokens: false, bytes: bytes.count) {
                withExtendedLifetime(try codec.decode(T.self, from: bytes)) { 1 }
            } encode: {
                try codec.encode(encoding: value).count
            })
    }

    @inlinable
    mutating func addTokens<T: TokenReadable & TokenWritable & Sendable>(_ value: T) {
        addTokens(value, JSONCodec())
        addTokens(value, MessagePackCodec())
        addTokens(value, TNetstringCodec())
    }

    @inlinable
    mutating func addTokens<T: TokenReadable & TokenWritable & Sendable, C: Codec>(_ value: T, _ codec: C) {
        guard let bytes = try? codec.encode(value) else { return }
        operations.append(
            Operation(codec: codec.name, isTokens: true, bytes: bytes.count) {
                withExtendedLifetime(try codec.read(T.self, from: bytes)) { 1 }
            } encode: {
                try codec.encode(value).count
            })
    }

    /// The candidates in a codec; `json`: the value's bytes, if this is JSON. What Foundation refuses is a remark.
    func candidates(_ codec: String) -> (candidates: [Candidate], remarks: [String]) {
        var (candidates, remarks): ([Candidate], [String]) = ([], [])
        for one in operations where one.codec == codec {
            func key(_ direction: CandidateKey.Direction) -> CandidateKey {
                CandidateKey(CandidateKey.tempest, codec, one.isTokens ? .tokens : .codable, direction)
            }
            candidates.append(Candidate(key(.decode), bytes: one.bytes, operation: one.decode))
            candidates.append(Candidate(key(.encode), bytes: one.bytes, operation: one.encode))
        }
        guard codec == "json" else { return (candidates, remarks) }
        do {
            candidates += try foundation()
        } catch {
            remarks.append("not compared with Foundation's JSON: \(error)")
        }
        return (candidates, remarks)
    }
}
