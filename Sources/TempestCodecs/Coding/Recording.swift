// The tokens of one Encodable while it encodes, in memory that only the recorder sees.
// Before it: the containers of the encoder. After it: a codec's bytes, or a TokenBuffer.

/// Tokens as entries over their bytes, like a document's: written through pointers, because a recording is made for every answer.
///
/// It checks what a program can get wrong (keys and values in turn, depth, sizes); of a key that comes twice the last value counts. Its owner
/// calls ``free()``.
struct Recording: TokenWriter {
    private(set) var room: TapeRoom
    private(set) var bytes: UnsafeMutablePointer<UInt8>
    private(set) var byteCount = 0
    private var byteCapacity: Int
    let limits: Limits
    /// Asked for once a recording: a static constant that must be worked out costs a call at every look.
    private let packsText = SmallText.isKnownLayout

    /// Containers around the recording, which count for the limit.
    private let outer: Int

    /// `outer`: how many containers are around it; a recording inside of another begins small, because there may be many.
    init(limits: Limits, outer: Int = 0, isSmall: Bool = false) {
        self.limits = limits
        self.outer = outer
        byteCapacity = isSmall ? 64 : 512
        let capacity = isSmall ? 4 : 64
        room = TapeRoom(.allocate(capacity: capacity), capacity: capacity)
        bytes = .allocate(capacity: byteCapacity)
    }

    func free() {
        room.entries.deallocate()
        bytes.deallocate()
    }

    /// Everything that was recorded, good until the next token.
    @inline(__always)
    var view: TapeView { TapeView(entries: UnsafePointer(room.entries), source: bytes, side: bytes) }

    /// The same as a tape of its own.
    var tape: Tape {
        Tape(
            entries: [Entry](UnsafeBufferPointer(start: room.entries, count: room.count)),
            source: [UInt8](UnsafeBufferPointer(start: bytes, count: byteCount)))
    }

    // MARK: Tokens

    mutating func null() throws(CodecError) { try add(Entry(.null, offset: 0)) }
    mutating func bool(_ value: Bool) throws(CodecError) { try add(Entry(.bool, offset: 0, payload: value ? 1 : 0)) }
    @inline(__always)
    mutating func int(_ value: Int64) throws(CodecError) {
        try add(Entry(.int, offset: 0, payload: UInt64(bitPattern: value)))
    }
    mutating func uint(_ value: UInt64) throws(CodecError) {
        try add(Entry(value > UInt64(Int64.max) ? .uint : .int, offset: 0, payload: value))
    }
    /// An integer of any width, if it is one of the protocol's.
    mutating func integer(_ value: some BinaryInteger) throws(CodecError) {
        if let value = Int64(exactly: value) { return try int(value) }
        guard let value = UInt64(exactly: value) else {
            throw CodecError(.number, "values: an integer outside of -2^63 to 2^64-1")
        }
        try uint(value)
    }
    mutating func double(_ value: Double) throws(CodecError) {
        guard value.isFinite else { throw CodecError.notFinite(value, "values") }
        try add(Entry(.double, offset: 0, payload: value.bitPattern))
    }

    @inline(__always)
    mutating func text(_ value: String) throws(CodecError) {
        let start = byteCount
        try add(Entry(.text, offset: 0, start: start, length: try keep(value)))
    }

    @inline(__always)
    mutating func key(_ key: String) throws(CodecError) {
        let start = byteCount
        try addKey(Entry(.text, offset: 0, start: start, length: try keep(key), flags: Entry.isKey))
    }

    mutating func text(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw CodecError(.text, "values: text that is not valid UTF-8") }
        try addBytes(.text, utf8)
    }

    mutating func key(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw CodecError(.text, "values: a key that is not valid UTF-8") }
        let start = byteCount
        try keep(utf8)
        try addKey(Entry(.text, offset: 0, start: start, length: utf8.count, flags: Entry.isKey))
    }

    mutating func binary(_ bytes: UnsafeRawBufferPointer) throws(CodecError) { try addBytes(.binary, bytes) }
    mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError) { try addBytes(.ext, data, type: type) }

    mutating func beginArray(count: Int) throws(CodecError) { try begin(.array) }
    mutating func beginMap(count: Int) throws(CodecError) { try begin(.map) }

    mutating func endArray() throws(CodecError) {
        guard room.open >= 0, !room.isMap else { throw CodecError(.syntax, "values: no array is open") }
        room.end()
    }

    /// Closes a map.
    mutating func endMap() throws(CodecError) {
        guard room.open >= 0, room.isMap, !awaitsValue else {
            throw CodecError(.syntax, "values: no map is open, or its last key has no value")
        }
        var none = LargeMaps()
        if view.duplicate(inMap: room.open, count: room.elements, end: room.count, &none) != nil { dropEarlierPairs() }
        room.end()
    }

    /// Leaves the last of each key in the open map.
    private mutating func dropEarlierPairs() {
        let view = view
        var last: [[UInt8]: Int] = [:]
        var key = room.open + 1
        while key < room.count {
            last[[UInt8](view.bytes(view.entries[key]))] = key
            key = view.next(key + 1)
        }
        room.keepPairs { last[[UInt8](view.bytes(view.entries[$0]))] == $0 }
    }

    /// The number of the splice that stands at an index, under this key of a map; nil if there is none, or not any more.
    func splice(at index: Int, under key: String) -> Int? {
        guard index < room.count, room.entries[index].flags & Entry.isSplice != 0, view.string(room.entries[index - 1]) == key
        else { return nil }
        return Int(room.entries[index].payload)
    }

    /// Forgets the key that was recorded last.
    mutating func dropKey() { room.dropLast() }

    /// Stands for what is recorded elsewhere until it is resolved.
    mutating func splice(_ number: Int) throws(CodecError) {
        var entry = Entry(.null, offset: 0, payload: UInt64(number))
        entry.flags = Entry.isSplice
        try add(entry)
    }

    /// A state to come back to.
    struct Mark {
        fileprivate var room: TapeRoom
        fileprivate var byteCount: Int
        /// How many entries there were.
        var count: Int { room.count }
    }

    /// The state as it is.
    @inline(__always)
    var mark: Mark { Mark(room: room, byteCount: byteCount) }

    /// Forgets what was recorded since, and the key that it was for.
    mutating func rewind(to mark: Mark) {
        room.rewind(to: mark.room)
        byteCount = mark.byteCount
        if awaitsValue { room.dropLast() }
    }

    // MARK: Room

    /// Whether there is a value, and nothing open.
    var isComplete: Bool { room.open < 0 && room.count > 0 && !awaitsValue }

    /// Containers that are open, with those around the recording.
    var depth: Int { room.depth + outer }

    /// Whether the last thing that was recorded is a key.
    @inline(__always)  // A call would be given a copy of the recording.
    var awaitsValue: Bool { room.count > 0 && room.entries[room.count &- 1].flags & Entry.isKey != 0 }

    @inline(__always)
    private mutating func add(_ entry: Entry) throws(CodecError) {
        if room.isMap, !awaitsValue { throw CodecError(.syntax, "values: a value where a key belongs") }
        if !room.hasRoom { try grow() }
        room.add(entry)
    }

    @inline(__always)
    private mutating func addKey(_ entry: Entry) throws(CodecError) {
        guard room.isMap, !awaitsValue else { throw CodecError(.syntax, "values: a key where none belongs") }
        if !room.hasRoom { try grow() }
        room.addKey(entry)
    }

    private mutating func begin(_ kind: Kind) throws(CodecError) {
        if room.isMap, !awaitsValue { throw CodecError(.syntax, "values: a value where a key belongs") }
        guard room.depth + outer < limits.depth else {
            throw CodecError(.depth, "values: deeper than \(limits.depth) containers")
        }
        if !room.hasRoom { try grow() }
        room.begin(kind, at: 0)
    }

    private mutating func addBytes(_ kind: Kind, _ raw: UnsafeRawBufferPointer, type: Int8 = 0) throws(CodecError) {
        let start = byteCount
        try keep(raw)
        try add(Entry(kind, offset: 0, start: start, length: raw.count, type: type))
    }

    /// Keeps the bytes of a string; hands out how many. A small one is its own bytes.
    @inline(__always)
    private mutating func keep(_ text: String) throws(CodecError) -> Int {
        let count = text.utf8.count
        if byteCount &+ count &+ 16 > byteCapacity { try grow(bytes: count &+ 16) }
        let bits = SmallText.bits(text)
        if packsText, bits.isSmall {
            let place = UnsafeMutableRawPointer(bytes + byteCount)
            place.storeBytes(of: bits.low, as: UInt64.self)
            place.storeBytes(of: bits.high, toByteOffset: 8, as: UInt64.self)
        } else {
            var text = text
            text.withUTF8 { utf8 in
                if let base = utf8.baseAddress { (bytes + byteCount).initialize(from: base, count: utf8.count) }
            }
        }
        byteCount &+= count
        return count
    }

    private mutating func keep(_ raw: UnsafeRawBufferPointer) throws(CodecError) {
        if byteCount &+ raw.count > byteCapacity { try grow(bytes: raw.count) }
        if let base = raw.baseAddress { UnsafeMutableRawPointer(bytes + byteCount).copyMemory(from: base, byteCount: raw.count) }
        byteCount &+= raw.count
    }

    @inline(never)
    private mutating func grow() throws(CodecError) {
        guard room.count < limits.values else { throw CodecError(.values, "values: more than \(limits.values) values") }
        let old = room.entries
        let capacity = room.capacity * 2
        room.move(to: .allocate(capacity: capacity), capacity: capacity)
        old.deallocate()
    }

    @inline(never)
    private mutating func grow(bytes count: Int) throws(CodecError) {
        guard byteCount + count <= limits.bytes + 16 else {
            throw CodecError(.size, "values: over the limit of \(limits.bytes) bytes")
        }
        let capacity = max(byteCapacity * 2, byteCount + count)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.initialize(from: bytes, count: byteCount)
        bytes.deallocate()
        (bytes, byteCapacity) = (larger, capacity)
    }
}
