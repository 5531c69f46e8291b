// Types that read themselves from a document, without Codable.
// Before it: a Node (an argument, an answer). After it: a value of the handler's types.

/// A type that reads itself from a value of a document: several times faster than `Decodable`, and a few lines to write.
///
///     struct Resize: TokenReadable, TokenWritable {
///         var path: String
///         var widths: [Int]
///         var note: String?
///
///         init(reading node: Node) throws {
///             var map = try node.map()
///             path = try map.read("path")
///             widths = try map.read("widths")
///             note = try map.readIfPresent("note")
///         }
///
///         func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
///             try writer.beginMap(count: 3)
///             try writer.write("path", path)
///             try writer.write("widths", widths)
///             try writer.write("note", note)
///             try writer.endMap()
///         }
///     }
///
/// Fields may be bools, texts, integers of every width, `Double`, `Float`, ``Bytes`` or `[UInt8]`, ``Value``, types like this one, and
/// optionals, arrays and dictionaries of them; any other `Decodable` is read by `map.node("key").decode(T.self)`. A worker's handlers take
/// such types as arguments and answers, callers too, if they are `Codable` besides.
///
/// The conversions are those of `Decodable` here: integral floats are taken for integers and integers for floats, binary that is UTF-8
/// for text.
public protocol TokenReadable {
    /// Reads the value. Throws `DecodingError` with the path to what is missing or of another kind.
    init(reading node: Node) throws
}

/// A type that reads and writes tokens itself.
public typealias TokenCodable = TokenReadable & TokenWritable

extension Codec {
    /// A value that reads itself from bytes. Throws ``CodecError`` for bytes that are no document, `DecodingError` for a wrong shape.
    public func read<T: TokenReadable>(_ type: T.Type, from bytes: [UInt8], limits: Limits = .standard) throws -> T {
        try T(reading: parse(bytes, limits: limits).root)
    }
}

extension Node {
    /// The node as a map to read from. Throws `DecodingError` if it is none.
    public func map() throws -> MapReader {
        guard kind == .map else { throw mismatch([String: Any].self, "map") }
        return MapReader(self)
    }

    /// The node as a type that reads itself.
    public func read<T: TokenReadable>(_ type: T.Type = T.self) throws -> T { try T(reading: self) }

    /// Reads every element of an array.
    @inline(__always)
    func elements<E>(_ element: (TapeView, Int) throws -> E) throws -> [E] {
        let entry = entry
        guard entry.kind == .array else { throw mismatch([E].self, "array") }
        let view = document.tape.withView { $0 }
        var elements: [E] = []
        elements.reserveCapacity(entry.low)
        var child = index + 1
        while child < entry.high {
            elements.append(try element(view, child))
            child = view.next(child)
        }
        withExtendedLifetime(document) {}
        return elements
    }

    /// The scalars of an array, each as `read` makes it.
    @inline(__always)
    func scalars<T>(_ expected: String, _ read: (TapeView, Entry) -> T?) throws -> [T] {
        try elements { view, index in
            guard let value = read(view, view.entries[index]) else {
                throw Node(document: document, index: index).mismatch(T.self, expected)
            }
            return value
        }
    }

    /// The error of a value of another kind, with the path from the document's root.
    @inline(never)
    func mismatch(_ type: any Any.Type, _ expected: String) -> DecodingError {
        NodeDecoder(context: DecodingState(document: document, root: 0, path: []), index: index).refusal(type, expected)
    }

    /// The scalar that `read` makes of the value, or the error.
    @inline(__always)
    func scalar<T>(_ expected: String, _ read: (TapeView, Entry) -> T?) throws -> T {
        let view = document.tape.withView { $0 }
        guard let value = read(view, view.entries[index]) else { throw mismatch(T.self, expected) }
        withExtendedLifetime(document) {}
        return value
    }
}
