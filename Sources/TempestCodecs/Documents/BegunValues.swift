// Values made while their document is still being read: never all of the tape and all of the value in memory.
// Before it: a TapeReader whose room is full. After it: room again, and at the end the value.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How far the values of a tape have been taken, and what was taken of containers that were open then.
struct ValueCursor {
    /// The first elements of a container; of the two one is empty.
    fileprivate struct Begun {
        var elements: [Value] = []
        var pairs: [ValueMap.Pair] = []
        var count: Int { elements.count + pairs.count }
    }

    /// The entry that is taken next.
    var index: Int
    /// Keys that were taken already.
    var longKeys = LongKeys()
    /// What has been begun, outer containers first: the order in which their entries stand on the tape.
    private var begun: [Begun] = []
    /// How many of them have been gone on with.
    private var resumed = 0
    /// Entries that are not on the tape any more.
    private(set) var taken = 0
    /// Whether a map that was taken in parts has a key twice.
    private(set) var foundDuplicate = false

    init(at index: Int = 0) { self.index = index }
}

extension TapeView {
    /// The other elements of an array whose first ones have been taken.
    @inline(never)
    func takeRest(ofArray entry: Entry, _ cursor: inout ValueCursor) -> [Value] {
        var begun = cursor.resume()
        let left = entry.low - begun.elements.count
        begun.elements.reserveCapacity(entry.low)
        for _ in 0..<left { begun.elements.append(takeValue(&cursor)) }
        return begun.elements
    }

    /// The other pairs of a map whose first ones have been taken; its keys are compared now.
    @inline(never)
    func takeRest(ofMap entry: Entry, _ cursor: inout ValueCursor) -> ValueMap {
        var begun = cursor.resume()
        let left = entry.low - begun.pairs.count
        begun.pairs.reserveCapacity(entry.low)
        for _ in 0..<left { begun.pairs.append(takePair(&cursor)) }
        cursor.compareKeys(begun.pairs)
        return ValueMap(unique: begun.pairs)
    }
}

extension ValueCursor {
    fileprivate mutating func resume() -> Begun {
        var next = Begun()
        swap(&next, &begun[resumed])
        resumed += 1
        return next
    }

    fileprivate mutating func compareKeys(_ pairs: [ValueMap.Pair]) {
        if ValueMap.hasDuplicate(pairs) { foundDuplicate = true }
    }

    /// Takes every element that is complete from a tape that is not, and leaves the open containers on it, one behind the other.
    ///
    /// The innermost container has another element, or there would be no need for room: a map of one text that may be the marker of
    /// binary is never among those. `position`: how much of the `bytes` has been read, from which follows how many elements are still
    /// to come.
    mutating func takeComplete(_ room: inout TapeRoom, _ view: TapeView, position: Int, of bytes: Int) {
        let before = room.count
        let open = room.openContainers
        var left: [Begun] = []
        var kept = TapeRoom(room.entries, capacity: room.capacity)
        for (level, container) in open.enumerated() {
            let entry = view.entries[container]
            let isInnermost = level + 1 == open.count
            let end = isInnermost ? room.count : open[level + 1] - (entry.kind == .map ? 1 : 0)
            let count = isInnermost ? room.elements : view.entries[open[level + 1]].low
            var begun = entry.flags & Entry.isBegun != 0 ? resume() : Begun()
            index = container + 1
            let new = count - begun.count
            if new >= Self.many, max(begun.pairs.capacity, begun.elements.capacity) < count {
                let ahead = Double(count) * Double(bytes - position) / Double(max(position - Int(entry.offset), 1))
                let expected = min(count + Int(1.0625 * ahead), Self.growth * count)
                if entry.kind == .map { begun.pairs.reserveCapacity(expected) } else { begun.elements.reserveCapacity(expected) }
            }
            if entry.kind == .map {
                for _ in 0..<new { begun.pairs.append(view.takePair(&self)) }
            } else {
                for _ in 0..<new { begun.elements.append(view.takeValue(&self)) }
            }
            precondition(index == end, "values of another length than their entries")
            kept.keep(entry, isBegun: begun.count > 0)
            if begun.count > 0 { left.append(begun) }
            // Of the pair that is open, the key.
            if !isInnermost, entry.kind == .map { kept.addKey(view.entries[end]) }
        }
        room.takeOver(kept)
        (begun, resumed) = (left, 0)
        taken += before - room.count
    }

    /// A container that has so many new elements will have many more: their room is asked for at once.
    private static let many = 1024
    /// But never more than so often what is there: what is still to come may be one long text.
    private static let growth = 16
}

extension ValueMap {
    /// Whether a key is there twice; n log n comparisons whatever the keys are.
    fileprivate static func hasDuplicate(_ pairs: [Pair]) -> Bool {
        var marks: [(fingerprint: UInt64, place: Int)] = []
        marks.reserveCapacity(pairs.count)
        for place in pairs.indices { marks.append((pairs[place].key.withFastUTF8 { TapeView.fingerprint($0) }, place)) }
        marks.sort {
            if $0.fingerprint != $1.fingerprint { return $0.fingerprint < $1.fingerprint }
            return compare(pairs[$0.place].key, pairs[$1.place].key) < 0
        }
        return zip(marks, marks.dropFirst()).contains {
            $0.fingerprint == $1.fingerprint && compare(pairs[$0.place].key, pairs[$1.place].key) == 0
        }
    }

    /// Below 0: the first is shorter, or as long and its bytes come before the other's; 0: they are the same bytes.
    private static func compare(_ left: String, _ right: String) -> Int32 {
        left.withFastUTF8 { left in
            right.withFastUTF8 { right in
                guard left.count == right.count else { return left.count < right.count ? -1 : 1 }
                guard let one = left.baseAddress, let other = right.baseAddress else { return 0 }
                return memcmp(one, other, left.count)
            }
        }
    }
}
