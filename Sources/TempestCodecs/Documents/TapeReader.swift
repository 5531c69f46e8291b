// Runs a reader over bytes: gives it room for its entries, and more when that is full.
// Before it: a codec's parse or value. After it: a Document, or a Value without one.

/// A codec's reader: bytes to entries in one pass, without recursion.
protocol TapeReader {
    /// The codec's name, for messages.
    static var name: String { get }

    /// A reader of bytes within limits, which writes into `room`.
    init(_ bytes: UnsafeRawBufferPointer, limits: Limits, room: TapeRoom)

    /// The limits that it holds to.
    var limits: Limits { get }
    /// The entries so far.
    var room: TapeRoom { get set }
    /// Bytes that do not stand in the source as they are.
    var side: [UInt8] { get }
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
            return Document(tape: Tape(entries: entries, source: bytes, side: reader.side), keys: reader.keys)
        }
    }

    /// The value that fills the bytes; no entry is left when it is made.
    static func value(_ bytes: [UInt8], limits: Limits) throws(CodecError) -> Value {
        try read(bytes, limits) { reader in
            reader.withView(reader.room) { view in
                var cursor = ValueCursor(consuming: reader.room.count)
                return view.takeValue(&cursor)
            }
        }
    }

    /// Calls the body with pointers to what has been read so far.
    func withView<R>(_ room: TapeRoom, _ body: (TapeView) -> R) -> R {
        let source = source
        // Nothing is read through a pointer into no bytes: their entries have no length.
        if side.isEmpty { return body(TapeView(entries: UnsafePointer(room.entries), source: source, side: source)) }
        return side.withUnsafeBytes { side in
            body(
                TapeView(entries: UnsafePointer(room.entries), source: source, side: side.baseAddress ?? UnsafeRawPointer(source))
            )
        }
    }

    /// Throws if a key is twice in the open map, which is about to be closed.
    @inline(__always)
    mutating func checkKeys(_ room: TapeRoom) throws(CodecError) {
        guard room.elements > 1 else { return }
        if room.elements <= TapeView.smallMap, side.isEmpty {
            // Most maps: nothing is taken hold of.
            let source = source
            let view = TapeView(entries: UnsafePointer(room.entries), source: source, side: source)
            guard let twice = view.duplicateInSmall(room.open, room.count) else { return }
            throw duplicate(room, twice)
        }
        try checkOtherKeys(room)
    }

    @inline(never)
    private mutating func checkOtherKeys(_ room: TapeRoom) throws(CodecError) {
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
        // A kilobyte of the stack is room enough for most jobs.
        return try withUnsafeTemporaryAllocation(of: Entry.self, capacity: 64) { (small) throws(CodecError) -> R in
            guard let base = small.baseAddress else { preconditionFailure("an allocation without an address") }
            return try bytes.withRawBytes { (raw) throws(CodecError) in
                var reader = Self(raw, limits: limits, room: TapeRoom(base, capacity: min(small.count, most(limits))))
                var large: UnsafeMutablePointer<Entry>?
                defer { large?.deallocate() }
                do throws(CodecError) {
                    while try !reader.run() { try reader.grow(&large, raw.count) }
                } catch {
                    throw explained(error, raw) ?? placed(error, raw, limits)
                }
                guard reader.room.count <= limits.values else { throw tooMany(limits, at: raw.count) }
                return body(reader)
            }
        }
    }

    /// Moves to a larger room.
    private mutating func grow(_ large: inout UnsafeMutablePointer<Entry>?, _ bytes: Int) throws(CodecError) {
        let capacity = try nextCapacity(bytes, limits)
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
        var reader = Self(raw, limits: limits, room: TapeRoom(first, capacity: min(64, most(limits))))
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
