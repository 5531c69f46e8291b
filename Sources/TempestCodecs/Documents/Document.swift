// A parsed document: flat, immutable, shared by everybody who reads from it.
// Made by a DocumentBuilder; read through its root Node, as a Value or by a decoder.

import Synchronization

/// The flat form of one document: 16 bytes a value over the bytes that it was read from.
public final class Document: Sendable {
    let tape: Tape
    /// The keys of the maps that are not small.
    let keys: LargeMaps
    private let paths = Mutex(PathFinder())

    init(tape: Tape, keys: LargeMaps) {
        self.tape = tape
        self.keys = keys
    }

    /// The value that the document is.
    public var root: Node { Node(document: self, index: 0) }

    /// The bytes that the document was read from.
    public var source: [UInt8] { tape.source }

    /// The path from the root to the value at an index.
    func path(to index: Int) -> [any CodingKey] {
        tape.withView { view in paths.withLock { $0.path(to: index, in: view) } }
    }

    /// The index of the value under a key of the map at `map`; nil if it has none. At most log n comparisons in large maps.
    func find(_ key: UnsafeRawBufferPointer, inMap map: Int) -> Int? {
        tape.withView { $0.find(key, inMap: map, keys) }
    }
}
