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
        if Self.isPlain(T.self) { return try decode(type) }
        guard let readable = T.self as? any TokenReadable.Type else { return try decode(type) }
        do {
            if let value = try readable.init(reading: self) as? T { return value }
            return try decode(type)
        } catch let error as DecodingError {
            throw error.dropping(document.path(to: index).count)
        }
    }

    /// Types that ``decode(_:codingPath:)`` knows.
    @inline(__always)
    private static func isPlain(_ type: any Any.Type) -> Bool {
        type == Int.self || type == String.self || type == Double.self || type == Bool.self
            || type == [Int].self || type == [String].self || type == [Double].self
    }
}

extension TokenBuffer {
    /// Records exactly one value: written by itself if it is `TokenWritable`, else encoded. Throws `EncodingError`.
    package mutating func record<T: Encodable>(_ value: T) throws {
        if T.self == Int.self || T.self == String.self || T.self == Double.self || T.self == Bool.self {
            return try encode(value)
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
