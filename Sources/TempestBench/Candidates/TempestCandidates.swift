// Our own codecs as candidates: values, Codable and tokens.
// Before it: a payload and its bytes in a codec. After it: Rounds.

import TempestBenchCBOR
import TempestCodecs

/// What is measured of ours. Codecs and types are known where they are called, as in a user's program.
enum TempestCandidates {
    /// The candidates of a payload in a codec; `bytes`: the payload in it.
    static func all(_ payload: Payload, codec: String, bytes: [UInt8]) -> [Candidate] {
        switch codec {
        case "json": all(payload, JSONCodec(), bytes)
        case "msgpack": all(payload, MessagePackCodec(), bytes)
        case "cbor": all(payload, CBORCodec(), bytes)
        default: all(payload, TNetstringCodec(), bytes)
        }
    }

    private static func all<C: Codec>(_ payload: Payload, _ codec: C, _ bytes: [UInt8]) -> [Candidate] {
        let typed =
            switch payload.sample {
            case let sample as JobArguments: typed(sample, codec)
            case let sample as RecordList: typed(sample, codec)
            case let sample as TextSample: typed(sample, codec)
            case let sample as NumberSample: typed(sample, codec)
            case let sample as TreeNode: typed(sample, codec)
            case let sample as PostPage: typed(sample, codec)
            case let sample as Catalogue: typed(sample, codec)
            case let sample as Coordinates: typed(sample, codec)
            case let sample as Manifest: typed(sample, codec)
            default: [Candidate]()
            }
        return values(payload.value, codec, bytes) + typed
    }

    private static func key(_ codec: some Codec, _ kind: CandidateKey.Kind, _ direction: CandidateKey.Direction) -> CandidateKey {
        CandidateKey(CandidateKey.tempest, codec.name, kind, direction)
    }

    private static func values<C: Codec>(_ value: Value, _ codec: C, _ bytes: [UInt8]) -> [Candidate] {
        [
            Candidate(key(codec, .value, .decode), bytes: bytes.count) { Leaves.visit(try codec.value(bytes)) },
            Candidate(key(codec, .value, .encode), bytes: bytes.count) { try codec.encode(value).count },
        ]
    }

    private static func typed<C: Codec, S: Sample>(_ sample: S, _ codec: C) -> [Candidate] {
        // The bytes of the type itself: its order of keys.
        guard let bytes = try? codec.encode(sample), let coded = try? codec.encode(encoding: sample) else { return [] }
        return [
            Candidate(key(codec, .codable, .decode), bytes: bytes.count) {
                withExtendedLifetime(try codec.decode(S.self, from: bytes)) { 1 }
            },
            Candidate(key(codec, .codable, .encode), bytes: coded.count) { try codec.encode(encoding: sample).count },
            Candidate(key(codec, .tokens, .decode), bytes: bytes.count) {
                withExtendedLifetime(try codec.read(S.self, from: bytes)) { 1 }
            },
            Candidate(key(codec, .tokens, .encode), bytes: bytes.count) { try codec.encode(sample).count },
        ]
    }
}
