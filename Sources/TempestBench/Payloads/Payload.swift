// What is measured: a value and the type that a program would have for it, or a set of values.
// Before it: BuiltInPayloads or PayloadFile. After it: candidates that encode and decode it.

package import TempestCodecs

/// A type with which a payload is also read and written typed.
package protocol Sample: Codable, TokenReadable, TokenWritable, Sendable {}

/// One thing to measure codecs with.
package struct Payload: Sendable {
    package let name: String
    /// What it stands for, in a few words.
    package let about: String
    /// The document; of a set of documents an array of them, which is never measured as one.
    package let value: Value
    /// The documents of a set, such as the lines of a file: one operation reads or writes each of them in turn. nil: it is one document.
    package let documents: [Value]?
    /// The same as a typed value; nil where there is no type.
    package let sample: (any Sample)?
    /// The reader's own type; nil for all other payloads.
    let own: OwnType?
    /// Whether it holds bytes (or an ext), which JSON has no form for but ours: other libraries' JSON is not compared then.
    package let holdsBytes: Bool

    package init(name: String, about: String, value: Value, sample: (any Sample)? = nil) {
        (self.name, self.about, self.value, self.sample, documents, own) = (name, about, value, sample, nil, nil)
        holdsBytes = Self.holdsBytes(value)
    }

    /// A set of documents.
    package init(name: String, about: String, documents: [Value]) {
        (self.name, self.about, value, sample, self.documents, own) = (name, about, .array(documents), nil, documents, nil)
        holdsBytes = Self.holdsBytes(value)
    }

    /// A value of the reader's own type.
    init(_ own: OwnType) {
        (name, about, value, sample, documents, self.own) = (own.name, own.about, own.value, nil, nil, own)
        holdsBytes = Self.holdsBytes(own.value)
    }

    /// A payload of a typed value; `sorted`: by key, because it has dictionaries, whose order is another in each process.
    init(name: String, about: String, sample: some Sample, sorted: Bool = false) throws(CodecError) {
        let value = try JSONCodec().value(try JSONCodec().encode(sample, canonical: sorted))
        self.init(name: name, about: about, value: value, sample: sample)
    }

    private static func holdsBytes(_ value: Value) -> Bool {
        switch value {
        case .binary, .ext: true
        case .array(let array): array.contains(where: holdsBytes)
        case .map(let map): map.contains { holdsBytes($0.value) }
        default: false
        }
    }
}
