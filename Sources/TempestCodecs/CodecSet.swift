// The codecs that a program reads, and the rule of the first byte.
// Before it: an envelope's bytes. After it: the codec that parses them.

/// The codecs that envelopes may be in.
public struct CodecSet: Sendable {
    /// JSON, MessagePack and tnetstring.
    public static let standard = CodecSet([.json, .messagePack, .tnetstring])

    private let codecs: [any Codec]

    /// A set. Two codecs that recognise the same beginning are a programming error: envelopes of the second would never reach it. It
    /// stops the program where it shows in a single byte, or in an envelope of nulls that one of them has written; other overlaps the
    /// set cannot see, and the first codec takes them.
    public init(_ codecs: [any Codec]) {
        // Not a precondition: what it says is lost in optimised programs.
        if let overlap = Self.overlap(codecs) { fatalError(overlap) }
        self.codecs = codecs
    }

    /// The names, in order.
    public var names: [String] { codecs.map(\.name) }

    /// The codec of this name, or nil.
    public func named(_ name: String) -> (any Codec)? {
        codecs.first { $0.name == name }
    }

    /// The codec of an envelope, by its beginning; nil when no codec of the set begins so (0xC1 is reserved: always nil).
    public func detect(_ bytes: [UInt8]) -> (any Codec)? {
        guard let first = bytes.first, first != 0xC1 else { return nil }
        return bytes.withUnsafeBytes { raw in codecs.first { $0.recognizes(raw) } }
    }

    /// This set and one more codec; a codec of the same name is replaced.
    public func adding(_ codec: any Codec) -> CodecSet {
        CodecSet(codecs.filter { $0.name != codec.name } + [codec])
    }

    /// A document of one codec as that of another. `source` and `target` are names; without a source the beginning tells it, which it
    /// does for arrays and maps. Canonical bytes have the keys of every map sorted by their UTF-8 bytes.
    ///
    /// Throws ``CodecError``: `.unknownCodec` for a name or a beginning that no codec of the set has, what the source says about bytes
    /// that are no document, and what the target says about values that it has no form for; either with the place and the offset.
    public func transcode(
        _ bytes: [UInt8], from source: String? = nil, to target: String, limits: Limits = .standard, canonical: Bool = false
    ) throws(CodecError) -> [UInt8] {
        let writing = try require(target)
        let reading: any Codec
        if let source {
            reading = try require(source)
        } else if let detected = detect(bytes) {
            reading = detected
        } else if bytes.withUnsafeBytes({ ForeignText.isMarked($0) }), let json = named("json") {
            // It says itself why it does not read that.
            reading = json
        } else {
            let first = bytes.first.map { "begin with 0x" + String($0, radix: 16) } ?? "are missing"
            throw CodecError(
                .unknownCodec,
                "the bytes \(first): no array or map of \(names.joined(separator: ", ")); their codec must be named")
        }
        let node = try reading.parse(bytes, limits: limits).root
        do throws(CodecError) {
            return try writing.encode(node, limits: limits, canonical: canonical)
        } catch {
            throw error.placed(in: node, by: writing)
        }
    }

    /// What is wrong with codecs that are to be in one set; nil if nothing is seen.
    static func overlap(_ codecs: [any Codec]) -> String? {
        // Four elements, as a job has; 16 and more are another format in some codecs.
        let written = codecs.flatMap { codec in
            [4, 20].compactMap { try? codec.encode(Value.array([Value](repeating: .null, count: $0))) }
        }
        for bytes in (0...255).map({ [$0] }) + written {
            let takers = bytes.withUnsafeBytes { raw in codecs.filter { $0.recognizes(raw) } }
            guard takers.count > 1 else { continue }
            let beginning = bytes.prefix(4).map { "0x" + String($0, radix: 16) }.joined(separator: " ")
            return "the codecs \(takers.map(\.name).joined(separator: " and ")) both recognize \(beginning)"
        }
        return nil
    }

    private func require(_ name: String) throws(CodecError) -> any Codec {
        guard let codec = named(name) else {
            throw CodecError(
                .unknownCodec, "there is no codec \(KeyText.quoted(name)); there are \(names.joined(separator: ", "))")
        }
        return codec
    }
}
