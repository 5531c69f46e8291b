// Foundation's JSON as candidates: what a Swift program would use without us.
// Before it: a payload and its JSON. After it: Rounds.

import Foundation

/// JSONSerialization, JSONDecoder and JSONEncoder; made once, not for every operation.
enum FoundationCandidates {
    static let maker = "Foundation"

    /// The candidates; `json`: the payload's bytes. Trees are not visited, which is in Foundation's favour.
    static func all(_ payload: Payload, json: [UInt8]) throws -> [Candidate] {
        let data = Data(json)
        let tree = try JSONSerialization.jsonObject(with: data, options: [.fragmentsAllowed])
        let written = try JSONSerialization.data(withJSONObject: tree, options: [.fragmentsAllowed, .withoutEscapingSlashes])
        let values = [
            Candidate(CandidateKey(maker, "json", .value, .decode), bytes: data.count) {
                withExtendedLifetime(try JSONSerialization.jsonObject(with: data, options: [.fragmentsAllowed])) { 1 }
            },
            Candidate(CandidateKey(maker, "json", .value, .encode), bytes: written.count) {
                try JSONSerialization.data(withJSONObject: tree, options: [.fragmentsAllowed, .withoutEscapingSlashes]).count
            },
        ]
        let typed =
            switch payload.sample {
            case let sample as JobArguments: try typed(sample)
            case let sample as RecordList: try typed(sample)
            case let sample as TextSample: try typed(sample)
            case let sample as NumberSample: try typed(sample)
            case let sample as TreeNode: try typed(sample)
            case let sample as PostPage: try typed(sample)
            case let sample as Catalogue: try typed(sample)
            case let sample as Coordinates: try typed(sample)
            case let sample as Manifest: try typed(sample)
            default: [Candidate]()
            }
        return values + typed
    }

    /// A type through JSONDecoder and JSONEncoder.
    static func typed<S: Codable>(_ sample: S) throws -> [Candidate] {
        let decoder = JSONDecoder()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        let data = try encoder.encode(sample)
        return [
            Candidate(CandidateKey(maker, "json", .codable, .decode), bytes: data.count) {
                withExtendedLifetime(try decoder.decode(S.self, from: data)) { 1 }
            },
            Candidate(CandidateKey(maker, "json", .codable, .encode), bytes: data.count) { try encoder.encode(sample).count },
        ]
    }
}
