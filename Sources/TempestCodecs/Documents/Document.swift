// A parsed document: flat, immutable, shared by everybody who reads from it.
// Made by a DocumentBuilder; read through its root Node, as a Value or by a decoder.

/// The flat form of one document: 16 bytes a value over the bytes that it was read from.
public final class Document: Sendable {
    let tape: Tape
    /// The keys of the maps that are not small, sorted by length and bytes; each map's are in one stretch.
    let sortedKeys: [UInt32]
    /// Where in `sortedKeys` those of a map begin, by the map's index, ascending.
    let largeMaps: [(map: UInt32, start: UInt32)]

    init(tape: Tape, sortedKeys: [UInt32], largeMaps: [(map: UInt32, start: UInt32)]) {
        self.tape = tape
        self.sortedKeys = sortedKeys
        self.largeMaps = largeMaps
    }

    /// The value that the document is.
    public var root: Node { Node(document: self, index: 0) }

    /// The bytes that the document was read from.
    public var source: [UInt8] { tape.source }

    /// The index of the value under a key of the map at `map`; nil if it has none. At most log n comparisons in large maps.
    func find(_ key: UnsafeRawBufferPointer, inMap map: Int) -> Int? {
        let entry = tape.entries[map]
        if entry.low > Tape.smallMap { return findSorted(key, inMap: map, count: entry.low) }
        var index = map + 1
        while index < entry.high {
            let candidate = tape.entries[index]
            if candidate.low == key.count, tape.bytes(of: candidate, { equalBytes($0, key) }) { return index + 1 }
            index = tape.next(index + 1)
        }
        return nil
    }

    private func findSorted(_ key: UnsafeRawBufferPointer, inMap map: Int, count: Int) -> Int? {
        var low = 0
        var high = largeMaps.count
        while low < high {
            let middle = (low + high) / 2
            if Int(largeMaps[middle].map) < map { low = middle + 1 } else { high = middle }
        }
        guard low < largeMaps.count, Int(largeMaps[low].map) == map else { return nil }
        let start = Int(largeMaps[low].start)
        low = start
        high = start + count
        while low < high {
            let middle = (low + high) / 2
            let candidate = tape.entries[Int(sortedKeys[middle])]
            let isLess =
                candidate.low != key.count
                ? candidate.low < key.count : tape.bytes(of: candidate) { $0.lexicographicallyPrecedes(key) }
            if isLess { low = middle + 1 } else { high = middle }
        }
        guard low < start + count else { return nil }
        let index = Int(sortedKeys[low])
        return tape.bytes(of: tape.entries[index]) { equalBytes($0, key) } ? index + 1 : nil
    }
}
