// A run of `tempest bench codecs`: payloads, candidates, rounds, report.
// Before it: the command's options. After it: a BenchReport.

import TempestBenchCBOR
import TempestCodecs

/// A run of the benchmark of codecs. A program measures its own type with ``measure(_:_:rounds:)``; the rest is for `tempest bench codecs`.
public struct CodecBench: Sendable {
    /// What can be asked for by name.
    package static let names = BuiltInPayloads.names + [EnvelopeCandidates.name]

    /// The source of a program that measures a type of its own: examples/bench-type.
    package static var typeExample: String { String(decoding: PackageResources.main_swift, as: UTF8.self) }

    /// Built-in payloads to measure; all if empty and there are no files.
    package var only: [String] = []
    /// Files to measure.
    package var files: [String] = []
    package var seed: UInt64 = 1
    package var rounds = Rounds()
    /// Whether peers are measured too.
    package var compares = false
    /// Whether missing peers are installed first.
    package var installsPeers = false
    /// The version of the program, for the report.
    package var version = ""
    /// The command line, for the report.
    package var command: [String] = []

    package init() {}

    private static let codecs: [any Codec] = [.json, .messagePack, .tnetstring]
    /// From outside: what a program gets that brings a codec of its own.
    private static let outside: [any Codec] = [CBORCodec()]

    /// Whether this program was built with optimisation.
    package static var isOptimised: Bool {
        var isChecked = false
        assert(
            {
                isChecked = true; return true
            }())
        return !isChecked
    }

    /// Runs it. `say`: lines for who watches; `progress`: what is being measured, over and over.
    package func run(say: (String) -> Void, progress: (String) -> Void) async throws -> BenchReport {
        // Files first: what cannot be read is said before anything is measured.
        let payloads = try payloads()
        let interpreters = Interpreters()
        let environment = compares || installsPeers ? try PeerEnvironment(interpreters) : nil
        if installsPeers { try await environment?.install(say: say) }

        var report = BenchReport(seed: seed, rounds: rounds.count, isOptimised: Self.isOptimised)
        (report.machine, report.command, report.date, report.isComparison) = (.current(), command, Files.date, compares)
        if let warning = TextReport.warning(report) { say(warning) }
        return try await Files.withTemporaryFolder { folder in
            try await Peers.run(interpreters, comparing: compares ? environment : nil, folder: folder) { peers in
                var report = report
                report.versions = ownVersions + peers.versions
                if compares { report.versions.append(("libmsgpack", MessagePackCandidates.version)) }
                report.missingPeers = peers.missing.map(\.name)
                for language in PeerLibrary.Language.allCases {
                    if let reason = peers.reason(language) { say(reason) }
                }
                let missing = peers.missing.filter { !$0.isClient }
                if !missing.isEmpty, let environment { say(Self.missing(missing, environment)) }
                try await measure(payloads, into: &report, peers: peers, progress)
                return report
            }
        }
    }

    private static func missing(_ libraries: [PeerLibrary], _ environment: PeerEnvironment) -> String {
        var text = "not there to compare with: \(libraries.map(\.name).joined(separator: ", "))."
        if libraries.contains(where: { $0.package != nil }) {
            text += " --install-peers installs Python's into \(environment.virtualEnvironment) and nowhere else."
        }
        if libraries.contains(where: { $0.language == .ruby }) { text += " For Ruby's: apt-get install ruby ruby-msgpack." }
        return text
    }

    private var ownVersions: [(name: String, version: String)] {
        [("tempest", version), ("Swift", Machine.swift)]
    }

    private func payloads() throws -> [Payload] {
        var payloads: [Payload] = []
        for name in only.isEmpty && files.isEmpty ? Self.names : Self.names.filter({ only.contains($0) }) {
            if let payload = try BuiltInPayloads.make(name, seed: seed) {
                payloads.append(payload)
            } else if name == EnvelopeCandidates.name, let arguments = try BuiltInPayloads.make("job", seed: seed) {
                payloads.append(Payload(name: name, about: EnvelopeCandidates.about, value: arguments.value))
            }
        }
        for file in files { payloads.append(try PayloadFile.read(file)) }
        return payloads
    }

    func measure(
        _ payloads: [Payload], into report: inout BenchReport, peers: Peers?, _ progress: (String) -> Void
    ) async throws {
        for payload in payloads {
            progress("\(payload.name): encoding")
            var result = PayloadResult(name: payload.name, about: payload.about)
            let candidates =
                if payload.name == EnvelopeCandidates.name, payload.about == EnvelopeCandidates.about {
                    try Self.codecs.flatMap { try EnvelopeCandidates.all(payload, codec: $0) }
                } else if let documents = payload.documents {
                    try await self.candidates(documents, &result)
                } else {
                    try await self.candidates(payload, peers, &result)
                }
            let (measurements, failures) = try await rounds.measure(candidates) { round in
                progress(
                    round == 0
                        ? "\(payload.name): calibrating \(candidates.count) candidates"
                        : "\(payload.name): round \(round) of \(rounds.count)")
            }
            result.measurements = measurements
            result.remarks += failures
            report.payloads.append(result)
        }
    }

    /// How large a value is as these bytes.
    ///
    /// - Parameter reading: what its memory is measured of.
    private static func size(
        _ value: Value, _ codec: any Codec, _ bytes: [UInt8], reading: () throws -> some Any
    ) -> CodecSize {
        let compressed = Compressor.all.compactMap { compressor in
            compressor.size(bytes).map { CodecSize.Compressed(name: compressor.name, bytes: $0) }
        }
        // Of small documents it is noise.
        let peak = bytes.count < PeakMemory.least ? nil : (try? PeakMemory.bytes(reading)) ?? nil
        return CodecSize(
            codec: codec.name, bytes: bytes.count, compressed: compressed, peak: peak, losses: Losses.of(value, in: codec))
    }

    /// Our codecs on a set of documents. Sizes are sums; compressed are all of them as one file.
    private func candidates(_ documents: [Value], _ result: inout PayloadResult) async throws -> [Candidate] {
        var candidates: [Candidate] = []
        for codec in Self.codecs {
            switch SetCandidates.encode(documents, codec) {
            case .failure(let error):
                result.sizes.append(CodecSize(codec: codec.name, bytes: nil, refusal: "\(error)"))
            case .success(let bytes):
                let joined = Array(bytes.joined())
                result.sizes.append(
                    Self.size(.array(documents), codec, joined) { try bytes.map { try codec.value($0) } })
                candidates += SetCandidates.all(documents, codec: codec.name, bytes: bytes)
            }
        }
        let count = documents.count == 1 ? "1 document" : "\(Units.grouped(documents.count)) documents"
        result.remarks.append("\(count): sizes and times are of all of them together, each read and written by itself")
        if compares { result.remarks.append("not compared: other libraries are given one document at a time") }
        return candidates
    }

    /// All who do the same for a payload, side by side.
    private func candidates(_ payload: Payload, _ peers: Peers?, _ result: inout PayloadResult) async throws -> [Candidate] {
        var candidates: [Candidate] = []
        for codec in Self.codecs + Self.outside {
            let bytes: [UInt8]
            do throws(CodecError) {
                bytes = try codec.encode(payload.value)
            } catch {
                let refusal = error.placed(in: payload.value).description
                result.sizes.append(CodecSize(codec: codec.name, bytes: nil, refusal: refusal))
                continue
            }
            result.sizes.append(Self.size(payload.value, codec, bytes) { try codec.value(bytes) })
            candidates += TempestCandidates.all(payload, codec: codec.name, bytes: bytes)
            candidates += Compressor.all.map { compressor in
                Candidate(CandidateKey(compressor.name, codec.name, .compressed, .encode), bytes: bytes.count) {
                    compressor.size(bytes) ?? 0
                }
            }
            if let own = payload.own {
                let found = own.candidates(codec.name)
                candidates += found.candidates
                result.remarks += found.remarks
                if codec.name == "json", !payload.holdsBytes { candidates += try FoundationCandidates.all(payload, json: bytes) }
            }
            if let peers {
                let found = try await peers.candidates(payload, codec: codec, bytes: bytes)
                candidates += found.candidates
                result.remarks += found.remarks
            }
            guard compares else { continue }
            if codec.name == "json", payload.holdsBytes {
                result.remarks.append("it holds bytes, which other libraries' JSON has no form for: not compared in JSON")
                continue
            }
            do {
                if codec.name == "json" { candidates += try FoundationCandidates.all(payload, json: bytes) }
                if codec.name == "msgpack" { candidates += try MessagePackCandidates.all(bytes) }
            } catch {
                result.remarks.append("not compared in \(codec.name): \(error)")
            }
        }
        return candidates
    }
}
