// The operations whose cost is watched: every codec, every way in and out, on one small payload and on its envelope.
// Run by codec-counts under callgrind, and by CodecBenchmarks against the clock.

import TempestCodecs

/// One operation.
public struct CodecCase: Sendable {
    /// Such as `json parse`.
    public let name: String
    /// Does it once. Returns something that depends on all of its work, so that none is left out.
    public let run: @Sendable () throws -> Int

    /// All of them, in the order of reports. Throws if a codec cannot write the payload.
    public static func all() throws -> [CodecCase] {
        try ([.json, .messagePack, .tnetstring] as [any Codec]).flatMap { try cases(of: $0) }
    }

    /// Generic, as the library opens a codec once a document.
    private static func cases<C: Codec>(of codec: C) throws -> [CodecCase] {
        let value = Payload.value
        let bytes = try codec.encode(value)
        let payload = Payload()
        let envelope: Value = ["resize", [value], "k3v9xQ_w-7", "b81f3c5e9a7d42608c1fe3b7a95d0246"]
        let job = try codec.encode(envelope)
        func named(_ name: String, _ run: @escaping @Sendable () throws -> Int) -> CodecCase {
            CodecCase(name: "\(codec.name) \(name)", run: run)
        }
        return [
            named("parse") { try codec.parse(bytes).root.count },
            named("decode Value") { try codec.value(bytes).asMap?.count ?? 0 },
            named("encode Value") { try codec.encode(value).count },
            named("decode Codable") { try codec.decode(Payload.self, from: bytes).n.count },
            named("encode Codable") { try codec.encode(encoding: payload).count },
            // What a worker does with a job before its handler begins, as far as codecs go.
            named("read envelope") {
                guard let found = CodecSet.standard.detect(job) else { return 0 }
                let root = try found.parse(job).root
                let fields = [root[0].text, root[2].textOrUTF8, root[3].text].compactMap(\.self)
                return try fields.count + root[1][0].decode(Payload.self).n.count
            },
            named("write envelope") { try codec.encode(envelope).count },
        ]
    }
}
