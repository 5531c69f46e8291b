// Arguments and answers of types that read and write tokens themselves: they go their own way, all others through Codable.
// Before it: a handler's or a caller's type. After it: its value, or a recording.

extension Node {
    /// The value as a type: read by itself if it is `TokenReadable`, else decoded. The paths of errors begin at this node either way.
    package func typed<T: Decodable>(_ type: T.Type) throws -> T {
        // The commonest arguments are read as they lie, and the types that need neither are decoded without a question.
        if T.self == Int.self, let int { return unsafeBitCast(Int(int), to: T.self) }
        if T.self == String.self, let text { return unsafeBitCast(text, to: T.self) }
        if T.self == Bool.self, let bool { return unsafeBitCast(bool, to: T.self) }
        if T.self == Double.self, let double { return unsafeBitCast(double, to: T.self) }
        if PlainTypes.contains(T.self) { return try decode(type) }
        guard let readable = T.self as? any TokenReadable.Type else { return try decode(type) }
        do {
            if let value = try readable.init(reading: self) as? T { return value }
            return try decode(type)
        } catch let error as DecodingError {
            throw error.dropping(document.path(to: index).count)
        }
    }
}

/// The types that ``Node/decode(_:codingPath:)`` knows, asked for by identity: to ask whether a type is `[Int]` looks `[Int]` up each time.
private enum PlainTypes {
    private static let known = [
        ObjectIdentifier(Int.self), ObjectIdentifier(String.self), ObjectIdentifier(Double.self), ObjectIdentifier(Bool.self),
        ObjectIdentifier([Int].self), ObjectIdentifier([String].self), ObjectIdentifier([Double].self),
    ]

    static func contains(_ type: any Any.Type) -> Bool { known.contains(ObjectIdentifier(type)) }
}

extension TokenBuffer {
    /// Records exactly one value: written by itself if it is `TokenWritable`, else encoded. Throws `EncodingError`.
    package mutating func record<T: Encodable>(_ value: T) throws {
        do throws(CodecError) {
            if T.self == Int.self { return try int(Int64(unsafeBitCast(value, to: Int.self))) }
            if T.self == String.self { return try text(unsafeBitCast(value, to: String.self)) }
            if T.self == Bool.self { return try bool(unsafeBitCast(value, to: Bool.self)) }
            if T.self == Double.self { return try double(unsafeBitCast(value, to: Double.self)) }
        } catch {
            throw EncodingError(value, error)
        }
        guard let writable = value as? any TokenWritable else { return try encode(value) }
        try record(tokensOf: writable)
    }
}

extension DecodingError {
    /// The same error with a path that begins so many keys later.
    fileprivate func dropping(_ count: Int) -> DecodingError {
        func shorter(_ context: Context) -> Context {
            Context(
                codingPath: Array(context.codingPath.dropFirst(count)), debugDescription: context.debugDescription,
                underlyingError: context.underlyingError)
        }
        switch self {
        case .typeMismatch(let type, let context): return .typeMismatch(type, shorter(context))
        case .valueNotFound(let type, let context): return .valueNotFound(type, shorter(context))
        case .keyNotFound(let key, let context): return .keyNotFound(key, shorter(context))
        case .dataCorrupted(let context): return .dataCorrupted(shorter(context))
        @unknown default: return self
        }
    }
}
