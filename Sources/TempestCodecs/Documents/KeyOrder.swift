// Keys as bytes: finding one that is twice, finding one by name, and the canonical order.
// No hash table: a hostile choice of keys costs no more than n log n.

/// The keys of the maps that are not small, each map's in one stretch, by fingerprint, length and bytes.
struct LargeMaps: Sendable {
    private(set) var sorted: [UInt32] = []
    /// Where the stretches begin, by the index of the map's entry, ascending once the document is complete.
    private(set) var starts: [(map: UInt32, start: UInt32)] = []

    /// Takes the sorted keys of a map.
    mutating func add(_ keys: [UInt32], ofMap map: Int) {
        starts.append((UInt32(truncatingIfNeeded: map), UInt32(truncatingIfNeeded: sorted.count)))
        sorted.append(contentsOf: keys)
    }

    /// Brings the maps into order: inner ones are complete before outer ones.
    mutating func finish() {
        if starts.count > 1 { starts.sort { $0.map < $1.map } }
    }

    /// Where the sorted keys of a map begin.
    func start(ofMap map: Int) -> Int? {
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if Int(starts[middle].map) < map { low = middle + 1 } else { high = middle }
        }
        return low < starts.count && Int(starts[low].map) == map ? Int(starts[low].start) : nil
    }
}

extension TapeView {
    /// Maps of more keys than this are sorted, smaller ones gone through.
    static var smallMap: Int { 32 }

    /// A number that equal keys share, from the length and the first and last bytes: one look at keys of usual length. Different keys
    /// may share it too, by chance or malice: whoever compares them looks at the bytes then.
    @inline(__always)
    func fingerprint(_ key: Entry) -> UInt64 {
        Self.fingerprint(start(key), key.low)
    }

    static func fingerprint(_ key: UnsafeRawBufferPointer) -> UInt64 {
        guard let start = key.baseAddress else { return 0 }
        return fingerprint(start, key.count)
    }

    @inline(__always)
    static func fingerprint(_ start: UnsafeRawPointer, _ count: Int) -> UInt64 {
        let bits: UInt64
        if count >= 8 {
            let last = start.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            bits = start.loadUnaligned(as: UInt64.self) ^ (last << 29 | last >> 35)
        } else if count > 0 {
            bits = ByteWord.load(start, count)
        } else {
            bits = 0
        }
        return (bits &+ UInt64(truncatingIfNeeded: count)) &* 0x9E37_79B9_7F4A_7C15
    }

    /// Whether two keys are the same bytes.
    @inline(__always)
    func equalKeys(_ left: Entry, _ right: Entry) -> Bool {
        left.low == right.low && equalBytes(start(left), start(right), left.low)
    }

    /// The index of the key that is in a map a second time; nil if none is. The sorted keys of a map that is not small go to `large`.
    @inline(__always)
    func duplicate(inMap map: Int, count: Int, end: Int, _ large: inout LargeMaps) -> Int? {
        if count < 2 { return nil }
        if count <= Self.smallMap { return duplicateInSmall(map, end) }
        return duplicateInLarge(map, count, end, &large)
    }

    /// One bit of 64 for each key: only keys whose bit is taken are compared with those before.
    @inline(__always)
    func duplicateInSmall(_ map: Int, _ end: Int) -> Int? {
        var seen: UInt64 = 0
        var index = map &+ 1
        while index < end {
            let bit: UInt64 = 1 << (fingerprint(entries[index]) >> 58)
            if seen & bit != 0, isBefore(index, map) { return index }
            seen |= bit
            index = next(index &+ 1)
        }
        return nil
    }

    @inline(never)
    private func isBefore(_ key: Int, _ map: Int) -> Bool {
        var index = map + 1
        while index < key {
            if equalKeys(entries[index], entries[key]) { return true }
            index = next(index + 1)
        }
        return false
    }

    @inline(never)
    private func duplicateInLarge(_ map: Int, _ count: Int, _ end: Int, _ large: inout LargeMaps) -> Int? {
        var keys: [(fingerprint: UInt64, index: UInt32)] = []
        keys.reserveCapacity(count)
        var index = map + 1
        while index < end {
            keys.append((fingerprint(entries[index]), UInt32(truncatingIfNeeded: index)))
            index = next(index + 1)
        }
        keys.sort { left, right in
            if left.fingerprint != right.fingerprint { return left.fingerprint < right.fingerprint }
            return comesBefore(entries[Int(left.index)], entries[Int(right.index)])
        }
        for place in 1..<keys.count where keys[place - 1].fingerprint == keys[place].fingerprint {
            let (left, right) = (Int(keys[place - 1].index), Int(keys[place].index))
            if equalKeys(entries[left], entries[right]) { return max(left, right) }
        }
        large.add(keys.map(\.index), ofMap: map)
        return nil
    }

    /// The order of keys that share a fingerprint.
    private func comesBefore(_ left: Entry, _ right: Entry) -> Bool {
        if left.low != right.low { return left.low < right.low }
        return bytes(left).lexicographicallyPrecedes(bytes(right))
    }

    /// The index of the value under a key of a map; nil if it has none. At most log n comparisons in large maps.
    func find(_ key: UnsafeRawBufferPointer, inMap map: Int, _ large: LargeMaps) -> Int? {
        let entry = entries[map]
        guard let wanted = key.baseAddress, entry.low <= Self.smallMap || key.isEmpty else { return findSorted(key, map, large) }
        var index = map &+ 1
        while index < entry.high {
            let candidate = entries[index]
            if candidate.low == key.count, equalBytes(start(candidate), wanted, key.count) { return index &+ 1 }
            index = next(index &+ 1)
        }
        return nil
    }

    private func findSorted(_ key: UnsafeRawBufferPointer, _ map: Int, _ large: LargeMaps) -> Int? {
        guard let wanted = key.baseAddress, let start = large.start(ofMap: map) else { return findFirstEmpty(map) }
        let mark = Self.fingerprint(wanted, key.count)
        var low = start
        var high = start + entries[map].low
        let end = high
        while low < high {
            let middle = (low + high) / 2
            let candidate = entries[Int(large.sorted[middle])]
            let other = fingerprint(candidate)
            let isLess: Bool
            if other != mark {
                isLess = other < mark
            } else if candidate.low != key.count {
                isLess = candidate.low < key.count
            } else {
                isLess = bytes(candidate).lexicographicallyPrecedes(key)
            }
            if isLess { low = middle + 1 } else { high = middle }
        }
        guard low < end else { return nil }
        let index = Int(large.sorted[low])
        let found = entries[index]
        return found.low == key.count && equalBytes(self.start(found), wanted, key.count) ? index + 1 : nil
    }

    /// A key without bytes has no address to compare.
    private func findFirstEmpty(_ map: Int) -> Int? {
        var index = map + 1
        while index < entries[map].high {
            if entries[index].low == 0 { return index + 1 }
            index = next(index + 1)
        }
        return nil
    }

    /// The indices of a map's keys sorted by their bytes alone: the canonical order.
    func canonicalKeys(ofMap map: Int) -> [UInt32] {
        let end = entries[map].high
        var found: [UInt32] = []
        found.reserveCapacity(entries[map].low)
        var index = map + 1
        while index < end {
            found.append(UInt32(truncatingIfNeeded: index))
            index = next(index + 1)
        }
        return found.sorted { bytes(entries[Int($0)]).lexicographicallyPrecedes(bytes(entries[Int($1)])) }
    }
}

/// Whether two stretches of `count` bytes are the same.
@inline(__always)
func equalBytes(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
    if count >= 8 {
        var index = 0
        while index &+ 8 <= count {
            if left.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                != right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            {
                return false
            }
            index &+= 8
        }
        // The last eight, some of them a second time.
        return left.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            == right.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
    }
    return count == 0 || ByteWord.load(left, count) == ByteWord.load(right, count)
}
