// A Decodable read straight from the flat form of a document.
// Before it: a Node (an argument, an answer). After it: a value of the handler's types.

extension Node {
    /// Decodes the value as a type.
    ///
    /// Integral floats are taken for integers and integers for floats; binary that is UTF-8 for text; text and arrays of integers for
    /// bytes. Missing and null optionals are nil. Throws `DecodingError` whose path begins with `codingPath`, with messages such as
    /// "expected text, found integer".
    public func decode<T: Decodable>(_ type: T.Type, codingPath: [any CodingKey] = []) throws -> T {
        try NodeDecoder(context: DecodingState(document: document, root: index, path: codingPath), index: index).decode(type)
    }
}

/// What all decoders of one call share.
final class DecodingState: Sendable {
    let document: Document
    let root: Int
    let path: [any CodingKey]

    init(document: Document, root: Int, path: [any CodingKey]) {
        self.document = document
        self.root = root
        self.path = path
    }

    /// The path to an index, found by walking down from the root: it is asked for in errors only, so nothing is kept of it.
    func path(to index: Int) -> [any CodingKey] {
        let tape = document.tape
        var path = self.path
        var container = root
        while container != index {
            let isMap = tape.entries[container].kind == .map
            var child = container + 1
            var place = 0
            while true {
                let value = isMap ? child + 1 : child
                let end = tape.next(value)
                if index < end {
                    path.append(isMap ? PathKey(stringValue: tape.string(tape.entries[child])) : PathKey(index: place))
                    container = value
                    break
                }
                child = end
                place += 1
            }
        }
        return path
    }
}

/// The place of one value in a document; small enough to be boxed without an allocation. Index -1: nothing is there (`super` of a
/// map that has none), which reads as null.
struct NodeDecoder: Decoder {
    let context: DecodingState
    let index: Int

    var codingPath: [any CodingKey] { index < 0 ? context.path : context.path(to: index) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    @inline(__always) var tape: Tape { context.document.tape }
    @inline(__always) var entry: Entry { index < 0 ? Entry(.null, offset: 0) : context.document.tape.entries[index] }
    var node: Node { Node(document: context.document, index: index) }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard entry.kind == .map else { throw mismatch([String: Any].self, "map") }
        return KeyedDecodingContainer(KeyedNodes(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard entry.kind == .array else { throw mismatch([Any].self, "array") }
        return UnkeyedNodes(decoder: self)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { SingleNode(decoder: self) }

    /// Decodes the value as a type.
    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        if let known = try decodeKnown(type) { return known }
        return try T(from: self)
    }

    /// The types that need no `init(from:)`.
    @inline(__always)
    private func decodeKnown<T: Decodable>(_ type: T.Type) throws -> T? {
        if T.self == String.self { return unsafeBitCast(try text(), to: T.self) }
        if T.self == Int.self { return unsafeBitCast(try integer(Int.self), to: T.self) }
        if T.self == Double.self { return unsafeBitCast(try double(), to: T.self) }
        if T.self == Bool.self { return unsafeBitCast(try bool(), to: T.self) }
        if T.self == [UInt8].self { return unsafeBitCast(try bytes(), to: T.self) }
        if T.self == Value.self { return (index < 0 ? Value.null : node.value) as? T }
        return nil
    }

    // MARK: Scalars

    @inline(__always)
    func isNull() -> Bool { entry.kind == .null }

    @inline(__always)
    func bool() throws -> Bool {
        guard entry.kind == .bool else { throw mismatch(Bool.self, "bool") }
        return entry.payload != 0
    }

    @inline(__always)
    func text() throws -> String {
        let entry = entry
        if entry.kind == .text { return tape.string(entry) }
        if entry.kind == .binary, tape.bytes(of: entry, UTF8Check.isValid) { return tape.string(entry) }
        throw mismatch(String.self, "text")
    }

    @inline(__always)
    func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        let entry = entry
        let value: T?
        switch entry.kind {
        case .int: value = T(exactly: Int64(bitPattern: entry.payload))
        case .uint: value = T(exactly: entry.payload)
        case .double: value = T(exactly: Double(bitPattern: entry.payload))
        default: throw mismatch(type, "integer")
        }
        guard let value else { throw unfit(type) }
        return value
    }

    @inline(__always)
    func double() throws -> Double {
        let entry = entry
        switch entry.kind {
        case .double: return Double(bitPattern: entry.payload)
        case .int: return Double(Int64(bitPattern: entry.payload))
        case .uint: return Double(entry.payload)
        default: throw mismatch(Double.self, "float")
        }
    }

    func float() throws -> Float {
        let value = Float(try double())
        guard value.isFinite else { throw unfit(Float.self) }
        return value
    }

    func bytes() throws -> [UInt8] {
        let entry = entry
        switch entry.kind {
        case .binary, .text: return tape.array(entry)
        case .array:
            var bytes: [UInt8] = []
            bytes.reserveCapacity(entry.low)
            var child = index + 1
            while child < entry.high {
                bytes.append(try NodeDecoder(context: context, index: child).integer(UInt8.self))
                child = tape.next(child)
            }
            return bytes
        default: throw mismatch([UInt8].self, "binary")
        }
    }

    // MARK: Errors

    /// The error of a value of another kind.
    @inline(never)
    func mismatch(_ type: any Any.Type, _ expected: String) -> DecodingError {
        let context = DecodingError.Context(
            codingPath: codingPath, debugDescription: "expected \(expected), found \(entry.kind)")
        return entry.kind == .null ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    @inline(never)
    private func unfit(_ type: any Any.Type) -> DecodingError {
        .dataCorrupted(
            DecodingError.Context(
                codingPath: codingPath, debugDescription: "expected a number that fits \(type), found \(node.value)"))
    }
}

/// Types that have a value for what is missing.
protocol AbsentDecodable {
    static var absent: Self { get }
}

extension Optional: AbsentDecodable {
    static var absent: Wrapped? { nil }
}
