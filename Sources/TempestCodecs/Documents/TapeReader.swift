// Runs a reader over bytes: gives it room for its entries, and more when that is full.
// Before it: a codec's parse or value. After it: a Document, or a Value without one.

/// A codec's reader: bytes to entries in one pass, without recursion.
protocol TapeReader {
    /// The codec's name, for messages.
    static var name: String { get }

    /// A reader of bytes within limits, which writes into `room`; what does not stand in the source as it is, into `side`.
    init(_ bytes: UnsafeRawBufferPointer, limits: Limits, room: TapeRoom, side: OutputBuffer)

    /// The limits that it holds to.
    var limits: Limits { get }
    /// The entries so far.
    var room: TapeRoom { get set }
    /// Bytes that do not stand in the source as they are; nil: the codec has none.
    var side: OutputBuffer? { get }
    /// The keys of large maps.
    var keys: LargeMaps { get set }
    /// The bytes that are read.
    var source: UnsafePointer<UInt8> { get }
    /// How far the reader has come, in bytes.
    var position: Int { get }

    /// Reads on; false: the room is full, true: the document is complete.
    mutating func run() throws(CodecError) -> Bool

    /// The same; `room` is as far as the reader has come also when it throws. Apart, because to keep that costs registers, and time.
    mutating func runKeepingPlace() throws(CodecError) -> Bool

    /// The error again, in the words for bytes that are no document but something that is known; nil if they are nothing known.
    static func explained(_ error: CodecError, _ bytes: UnsafeRawBufferPointer) -> CodecError?
}

extension TapeReader {
    static func explained(_ error: CodecError, _ bytes: UnsafeRawBufferPointer) -> CodecError? { nil }
}

extension TapeReader {
    /// The document that fills the bytes.
    static func document(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Document {
        try read(bytes, limits) { reader in
            let entries = [Entry](UnsafeBufferPointer(start: reader.room.entries, count: reader.room.count))
            return Document(tape: Tape(entries: entries, source: bytes, side: reader.side?.finish() ?? []), keys: reader.keys)
        }
    }

    /// The value that fills the bytes.
    ///
    /// Its parts are taken whenever the room is full, so that entries stay in the processor's nearest memory and are never many. Only what
    /// is refused is read a second time, with all of them.
    static func value(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Value {
        if let value = try? taken(bytes, limits) { return value }
        // The same with all entries, which knows what is wrong, and where.
        return try read(bytes, limits) { reader in
            reader.withView(reader.room) { view in
                var cursor = ValueCursor()
                return view.takeValue(&cursor)
            }
        }
    }

    /// The value; throws if something is wrong, without saying where.
    private static func taken(_ bytes: [UInt8], _ limits: Limits) throws(CodecError) -> Value {
        guard bytes.count <= limits.bytes else { throw CodecError(.size, name) }
        return try withRoom(bytes, limits) { (reader, large, total) throws(CodecError) in
            var cursor = ValueCursor()
            while try !reader.run() {
                if reader.room.capacity < many {
                    try reader.grow(&large, total, many)
                } else {
                    // What stays are open containers and their keys: half of the room at most, as deep as limits can be.
                    reader.takeComplete(&cursor, total)
                    guard reader.room.count + cursor.taken <= limits.values else { throw tooMany(limits, at: total) }
                }
            }
            guard reader.room.count + cursor.taken <= limits.values else { throw tooMany(limits, at: total) }
            cursor.index = 0
            let value = reader.withView(reader.room) { $0.takeValue(&cursor) }
            guard !cursor.foundDuplicate else { throw CodecError(.duplicateKey, name) }
            return value
        }
    }

    /// So many entries are in the room when they are taken: 64 KB.
    private static var many: Int { 4096 }

    private mutating func takeComplete(_ cursor: inout ValueCursor, _ bytes: Int) {
        var room = room
        withView(room) { cursor.takeComplete(&room, $0, position: position, of: bytes) }
        self.room = room
        // They are for those who look for keys by name, which nobody will.
        keys = LargeMaps()
    }

    /// Calls the body with pointers to what has been read so far.
    @inline(__always)
    func withView<R>(_ room: TapeRoom, _ body: (TapeView) -> R) -> R {
        // Nothing is read through a pointer into no bytes: their entries have no length.
        body(TapeView(entries: UnsafePointer(room.entries), source: source, side: side?.start ?? UnsafeRawPointer(source)))
    }

    /// Throws if a key is twice in the open map, which is about to be closed.
    @inline(__always)
    mutating func checkKeys(_ room: TapeRoom) throws(CodecError) {
        guard room.elements > 1, room.entries[room.open].flags & Entry.isBegun == 0 else { return }
        if room.elements <= TapeView.smallMap {
            guard let twice = withView(room, { $0.duplicateInSmall(room.open, room.count) }) else { return }
            throw duplicate(room, twice)
        }
        try checkLargeMap(room)
    }

    @inline(never)
    private mutating func checkLargeMap(_ room: TapeRoom) throws(CodecError) {
        var large = LargeMaps()
        swap(&large, &keys)
        let twice = withView(room) { $0.duplicate(inMap: room.open, count: room.elements, end: room.count, &large) }
        swap(&large, &keys)
        guard let twice else { return }
        throw duplicate(room, twice)
    }

    @inline(never)
    private func duplicate(_ room: TapeRoom, _ index: Int) -> CodecError {
        let key = room.entries[index]
        let text = withView(room) { KeyText.quoted($0.string(key)) }
        return CodecError(.duplicateKey, "\(Self.name): the key \(text) is in the map already", at: Int(key.offset))
    }

    private static func read<R>(
        _ bytes: [UInt8], _ limits: Limits, _ body: (borrowing Self) -> R
    ) throws(CodecError) -> R {
        guard bytes.count <= limits.bytes else {
            throw CodecError(.size, "\(name): \(bytes.count) bytes, over the limit of \(limits.bytes)")
        }
        return try withRoom(bytes, limits) { (reader, large, total) throws(CodecError) in
            do throws(CodecError) {
                while try !reader.run() { try reader.grow(&large, total) }
            } catch {
                throw bytes.withUnsafeBytes { explained(error, $0) ?? placed(error, $0, limits) }
            }
            guard reader.room.count <= limits.values else { throw tooMany(limits, at: total) }
            return body(reader)
        }
    }

    /// Calls the body with a reader of the bytes; larger rooms for it are freed afterwards.
    @inline(__always)
    private static func withRoom<R>(
        _ bytes: [UInt8], _ limits: Limits,
        _ body: (inout Self, _ large: inout UnsafeMutablePointer<Entry>?, _ bytes: Int) throws(CodecError) -> R
    ) throws(CodecError) -> R {
        // A kilobyte of the stack is room enough for most jobs, and half of that for what they escape.
        try withUnsafeTemporaryAllocation(of: Entry.self, capacity: 64) { (small) throws(CodecError) -> R in
            guard let base = small.baseAddress else { preconditionFailure("an allocation without an address") }
            return try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 512) { (side) throws(CodecError) -> R in
                try bytes.withRawBytes { (raw) throws(CodecError) in
                    let room = TapeRoom(base, capacity: min(small.count, most(limits)))
                    var reader = Self(raw, limits: limits, room: room, side: OutputBuffer(side))
                    var large: UnsafeMutablePointer<Entry>?
                    defer { large?.deallocate() }
                    return try body(&reader, &large, raw.count)
                }
            }
        }
    }

    /// Moves to a larger room, of at most so many entries.
    private mutating func grow(
        _ large: inout UnsafeMutablePointer<Entry>?, _ bytes: Int, _ most: Int = .max
    ) throws(CodecError) {
        let capacity = min(try nextCapacity(bytes, limits), most)
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity)
        room.move(to: larger, capacity: capacity)
        large?.deallocate()
        large = larger
    }

    /// The error with its place in the document, for which the bytes are read again.
    @inline(never)
    private static func placed(_ error: CodecError, _ raw: UnsafeRawBufferPointer, _ limits: Limits) -> CodecError {
        // Too many values, or bytes after the last: no place is to blame.
        guard error.path == nil, error.code != .values, error.code != .trailing else { return error }
        let first = UnsafeMutablePointer<Entry>.allocate(capacity: 64)
        var large: UnsafeMutablePointer<Entry>? = first
        defer { large?.deallocate() }
        let room = TapeRoom(first, capacity: min(64, most(limits)))
        var reader = Self(raw, limits: limits, room: room, side: OutputBuffer())
        do throws(CodecError) {
            while try !reader.runKeepingPlace() { try reader.grow(&large, raw.count) }
            return error
        } catch {
            let path = reader.withView(reader.room) { reader.room.place(in: $0).shown }
            return CodecError(error.code, error.message, at: error.offset, in: path)
        }
    }

    /// How much room there must be at the next try: as the bytes so far tell of the rest, and a little more.
    private func nextCapacity(_ bytes: Int, _ limits: Limits) throws(CodecError) -> Int {
        let most = Self.most(limits)
        guard room.capacity < most else { throw Self.tooMany(limits, at: position) }
        let expected = Double(room.count) * Double(bytes) / Double(max(position, 1)) * 1.0625
        return min(max(Int(expected) + 64, room.capacity * 2), most)
    }

    /// Room for as many entries as there may be, for a marker of binary that is folded later, and for the pair that is asked for.
    private static func most(_ limits: Limits) -> Int { limits.values + 4 }

    private static func tooMany(_ limits: Limits, at offset: Int) -> CodecError {
        CodecError(.values, "\(name): more than \(limits.values) values", at: offset)
    }
}
