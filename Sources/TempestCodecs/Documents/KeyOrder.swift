// Keys as bytes: finding duplicates, finding a key, and the canonical order.
// No hashing: a hostile choice of keys costs no more than n log n.

extension Tape {
    /// Maps of more keys than this are sorted, smaller ones compared one by one.
    static let smallMap = 8

    /// Whether two keys are the same bytes.
    @inline(__always)
    func equalKeys(_ left: Entry, _ right: Entry) -> Bool {
        guard left.low == right.low else { return false }
        return bytes(of: left) { a in bytes(of: right) { b in equalBytes(a, b) } }
    }

    /// Orders by length first: cheap, and enough for finding.
    func precedes(_ left: Entry, _ right: Entry) -> Bool {
        if left.low != right.low { return left.low < right.low }
        return bytes(of: left) { a in bytes(of: right) { b in a.lexicographicallyPrecedes(b) } }
    }

    /// The indices of a map's keys, in order.
    func keyIndices(ofMap index: Int) -> [UInt32] {
        let end = entries[index].high
        var found: [UInt32] = []
        found.reserveCapacity(entries[index].low)
        var position = index + 1
        while position < end {
            found.append(UInt32(position))
            position = next(position + 1)
        }
        return found
    }

    /// The same sorted by length and bytes.
    func sortedKeys(ofMap index: Int) -> [UInt32] {
        keyIndices(ofMap: index).sorted { precedes(entries[Int($0)], entries[Int($1)]) }
    }

    /// The same sorted by bytes alone: the canonical order.
    func canonicalKeys(ofMap index: Int) -> [UInt32] {
        keyIndices(ofMap: index).sorted { left, right in
            bytes(of: entries[Int(left)]) { a in bytes(of: entries[Int(right)]) { b in a.lexicographicallyPrecedes(b) } }
        }
    }

    /// The index of a key that is twice in a small map; nil if none is.
    func duplicateInSmallMap(_ index: Int) -> Int? {
        let end = entries[index].high
        var right = index + 1
        while right < end {
            var left = index + 1
            while left < right {
                if equalKeys(entries[left], entries[right]) { return right }
                left = next(left + 1)
            }
            right = next(right + 1)
        }
        return nil
    }

    /// The index of a key that is twice among sorted keys; nil if none is.
    func duplicate(inSorted keys: [UInt32]) -> Int? {
        for index in keys.indices.dropFirst() {
            let left = keys[index - 1]
            let right = keys[index]
            if equalKeys(entries[Int(left)], entries[Int(right)]) { return Int(max(left, right)) }
        }
        return nil
    }
}

/// Whether two stretches of bytes are the same.
@inline(__always)
func equalBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count else { return false }
    var index = 0
    while index + 8 <= left.count {
        if left.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            != right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        {
            return false
        }
        index += 8
    }
    while index < left.count {
        if left[index] != right[index] { return false }
        index += 1
    }
    return true
}
