// A set of documents as candidates: each is read or written by itself, one after the other.
// Before it: a payload of many documents. After it: Rounds.

import TempestCodecs

/// What is measured of a set: our own codecs and values alone.
enum SetCandidates {
    /// The bytes of each document, or why the codec cannot hold one of them.
    static func encode(_ documents: [Value], _ codec: any Codec) -> Result<[[UInt8]], BenchError> {
        var all: [[UInt8]] = []
        for (place, document) in documents.enumerated() {
            do throws(CodecError) {
                all.append(try codec.encode(document))
            } catch {
                return .failure(BenchError("document \(place + 1): \(error.placed(in: document))"))
            }
        }
        return .success(all)
    }

    /// The candidates of the documents in a codec; `bytes`: the documents in it.
    static func all(_ documents: [Value], codec: String, bytes: [[UInt8]]) -> [Candidate] {
        switch codec {
        case "json": all(documents, JSONCodec(), bytes)
        case "msgpack": all(documents, MessagePackCodec(), bytes)
        default: all(documents, TNetstringCodec(), bytes)
        }
    }

    private static func all<C: Codec>(_ documents: [Value], _ codec: C, _ bytes: [[UInt8]]) -> [Candidate] {
        let size = bytes.reduce(0) { $0 + $1.count }
        func key(_ direction: CandidateKey.Direction) -> CandidateKey {
            CandidateKey(CandidateKey.tempest, codec.name, .value, direction)
        }
        return [
            Candidate(key(.decode), bytes: size) {
                var folded = 0
                for document in bytes { folded &+= Leaves.visit(try codec.value(document)) }
                return folded
            },
            Candidate(key(.encode), bytes: size) {
                var folded = 0
                for document in documents { folded &+= try codec.encode(document).count }
                return folded
            },
        ]
    }
}
