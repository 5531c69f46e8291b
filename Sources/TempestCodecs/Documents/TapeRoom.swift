// The entries of a document in the making, written through a pointer: what the readers of this package share.
// Before it: a reader's grammar. After it: the tape of a Document, or a Value.

/// Room for entries, and which container is open. A reader keeps it in a local variable, so that it lives in registers.
///
/// The entry of an open container holds, until it is closed, the index of the container around it and how many elements that had so
/// far: nothing else is needed to come back, and no other stack is kept.
struct TapeRoom {
    private(set) var entries: UnsafeMutablePointer<Entry>
    private(set) var capacity: Int
    /// Entries so far.
    private(set) var count = 0
    /// The index of the innermost open container; -1: none is open.
    private(set) var open = -1
    /// Its elements or pairs so far.
    private(set) var elements = 0
    /// Whether it is a map.
    private(set) var isMap = false
    /// Open containers.
    private(set) var depth = 0

    init(_ entries: UnsafeMutablePointer<Entry>, capacity: Int) {
        self.entries = entries
        self.capacity = capacity
    }

    /// Goes on in a larger room; takes along what there is.
    mutating func move(to larger: UnsafeMutablePointer<Entry>, capacity: Int) {
        larger.initialize(from: entries, count: count)
        entries = larger
        self.capacity = capacity
    }

    /// Goes back to an earlier state; containers that were open then still are.
    mutating func rewind(to earlier: TapeRoom) {
        (count, open, elements, isMap, depth) = (earlier.count, earlier.open, earlier.elements, earlier.isMap, earlier.depth)
    }

    /// Forgets the last entry, which is a key.
    mutating func dropLast() { count &-= 1 }

    /// Whether a key and a value still find room.
    @inline(__always)
    var hasRoom: Bool { count &+ 2 <= capacity }

    /// Adds a scalar.
    @inline(__always)
    mutating func add(_ entry: Entry) {
        (entries + count).initialize(to: entry)
        count &+= 1
        elements &+= 1
    }

    /// Adds a key; the value that follows counts the pair.
    @inline(__always)
    mutating func addKey(_ entry: Entry) {
        (entries + count).initialize(to: entry)
        count &+= 1
    }

    /// Opens a container.
    @inline(__always)
    mutating func begin(_ kind: Kind, at offset: Int) {
        let around = UInt64(UInt32(truncatingIfNeeded: open))
        (entries + count).initialize(to: Entry(kind, offset: offset, payload: around << 32 | UInt64(elements)))
        open = count
        count &+= 1
        elements = 0
        isMap = kind == .map
        depth &+= 1
    }

    /// Closes the container: its entry gets its end and its count.
    @inline(__always)
    mutating func end() {
        let entry = entries + open
        let around = entry.pointee.payload
        entry.pointee.payload = UInt64(count) << 32 | UInt64(elements)
        leave(around)
    }

    /// Leaves out pairs of the open map, all of whose values are complete.
    mutating func keepPairs(_ keeps: (_ key: Int) -> Bool) {
        var (from, to) = (open + 1, open + 1)
        elements = 0
        while from < count {
            let value = entries[from + 1]
            let next = value.isContainer ? value.high : from + 2
            if keeps(from) {
                for index in from..<next {
                    var entry = entries[index]
                    if entry.isContainer { entry.payload -= UInt64(from - to) << 32 }
                    entries[to + index - from] = entry
                }
                to += next - from
                elements += 1
            }
            from = next
        }
        count = to
    }

    /// The indices of the open containers, the outermost first.
    var openContainers: [Int] {
        var indices: [Int] = []
        indices.reserveCapacity(depth)
        var container = open
        while container >= 0 {
            indices.append(container)
            container = Int(Int32(truncatingIfNeeded: entries[container].payload >> 32))
        }
        return indices.reversed()
    }

    /// Adds an open container that stood further back in the same room.
    mutating func keep(_ container: Entry, isBegun: Bool) {
        var entry = container
        // How many elements the container around it had stays as it is, where that stands does not.
        entry.payload = UInt64(UInt32(truncatingIfNeeded: open)) << 32 | UInt64(entry.low)
        if isBegun { entry.flags |= Entry.isBegun }
        open = count
        (entries + count).initialize(to: entry)
        count &+= 1
    }

    /// Goes on with the entries of another that lies in the same memory; the innermost container stays what it is.
    mutating func takeOver(_ other: TapeRoom) { (count, open) = (other.count, other.open) }

    /// Makes a scalar of the open container and all that is in it.
    mutating func fold(into scalar: Entry) {
        let around = entries[open].payload
        entries[open] = scalar
        count = open + 1
        leave(around)
    }

    /// The place of what comes next; of a map that has no key for it, the map.
    func place(in view: TapeView) -> DocumentPlace {
        var steps: [DocumentPlace.Step] = []
        var (container, next, elements) = (open, count, elements)
        // From the innermost container outwards: the entry of each tells which one is around it, and how many elements that had.
        while container >= 0 {
            if entries[container].kind == .array {
                steps.append(.element(elements))
            } else if next - 1 > container, entries[next - 1].flags & Entry.isKey != 0 {
                // The key stands right before its value.
                steps.append(.key(view.string(entries[next - 1])))
            }
            next = container
            elements = entries[container].low
            container = Int(Int32(truncatingIfNeeded: entries[container].payload >> 32))
        }
        return DocumentPlace(steps: steps.reversed())
    }

    @inline(__always)
    private mutating func leave(_ around: UInt64) {
        open = Int(Int32(truncatingIfNeeded: around >> 32))
        elements = Int(around & 0xFFFF_FFFF) &+ 1
        depth &-= 1
        isMap = open >= 0 && entries[open].kind == .map
    }
}
