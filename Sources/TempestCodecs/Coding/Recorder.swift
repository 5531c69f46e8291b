// What runs an Encodable and puts its tokens into a recording.
// Before it: TokenBuffer.encode. After it: the recording, to be written by any codec.

/// Records what an Encodable encodes, straight into one tape.
///
/// Containers of values that encode inside of each other nest by themselves. Those that a program asks for by name (`nestedContainer`,
/// `superEncoder`) may be filled in any order: each has a recorder of its own, and the tape a splice, resolved at the end.
final class Recorder {
    /// What one `encode(to:)` has opened so far.
    enum Opened {
        case nothing, scalar, array, map
    }

    private struct Slot {
        var opened: Opened
        var serial: Int
    }

    private var buffer: TokenBuffer
    /// The state of the recording before.
    private let start: TokenBuffer.Mark
    private var slots: [Slot] = []
    private var serial = 0
    private var children: [Recorder] = []
    /// The path to what is being encoded.
    private(set) var path: [any CodingKey]

    init(buffer: TokenBuffer, path: [any CodingKey]) {
        self.buffer = buffer
        self.path = path
        start = buffer.mark
    }

    /// Hands out the recording and keeps none.
    func takeBuffer() -> TokenBuffer {
        let taken = buffer
        buffer = TokenBuffer()
        return taken
    }

    /// Records one value at the place where the recording is, splices included.
    func encodeRoot(_ value: some Encodable) throws {
        try encode(value)
        guard !children.isEmpty else { return }
        let tape = buffer.tape
        buffer.rewind(to: start)
        var target = takeBuffer()
        defer { buffer = target }
        try guarding(value) { () throws(CodecError) in try resolve(tape, from: start.entries, into: &target) }
    }

    private func resolve<W: TokenWriter>(_ tape: Tape, from start: Int, into target: inout W) throws(CodecError) {
        try tape.write(from: start, to: tape.entries.count, into: &target) { (number, writer) throws(CodecError) in
            let child = children[number]
            try child.closeAll()
            try child.resolve(child.buffer.tape, from: 0, into: &writer)
        }
    }

    /// Closes what a nested container or super encoder left open; one that encoded nothing is an empty map.
    private func closeAll() throws(CodecError) {
        while let slot = slots.popLast() { try close(slot.opened, emptyIsMap: true) }
    }

    private func close(_ opened: Opened, emptyIsMap: Bool) throws(CodecError) {
        switch opened {
        case .map: try buffer.endMap()
        case .array: try buffer.endArray()
        case .scalar: break
        case .nothing:
            guard emptyIsMap else { return }
            try buffer.beginMap(count: 0)
            try buffer.endMap()
        }
    }

    // MARK: Values

    /// Records one value.
    func encode<T: Encodable>(_ value: T) throws {
        if try encodeKnown(value) { return }
        try encodeUnknown(value)
    }

    /// Records the types that need no `encode(to:)`; false for any other.
    @inline(__always)
    private func encodeKnown<T: Encodable>(_ value: T) throws -> Bool {
        if T.self == String.self {
            let text = unsafeBitCast(value, to: String.self)
            try guarding(value) { () throws(CodecError) in try buffer.text(text) }
        } else if T.self == Int.self {
            let int = unsafeBitCast(value, to: Int.self)
            try guarding(value) { () throws(CodecError) in try buffer.int(Int64(int)) }
        } else if T.self == Double.self {
            let double = unsafeBitCast(value, to: Double.self)
            try guarding(value) { () throws(CodecError) in try buffer.double(double) }
        } else if T.self == Bool.self {
            let bool = unsafeBitCast(value, to: Bool.self)
            try guarding(value) { () throws(CodecError) in try buffer.bool(bool) }
        } else if T.self == [UInt8].self {
            let bytes = unsafeBitCast(value, to: [UInt8].self)
            try guarding(value) { () throws(CodecError) in try buffer.binary(bytes) }
        } else if T.self == Value.self, let dynamic = value as? Value {
            try guarding(value) { () throws(CodecError) in try dynamic.write(to: &buffer) }
        } else {
            return false
        }
        return true
    }

    private func encodeUnknown(_ value: some Encodable) throws {
        guard slots.count <= buffer.limits.depth * 4 else {
            throw invalid(value, "encode(to:) goes deeper than \(buffer.limits.depth * 4) calls")
        }
        let encoder = open(.nothing)
        do {
            try value.encode(to: encoder)
        } catch {
            slots.removeLast(slots.count - encoder.slot)
            throw error
        }
        let slot = slots.removeLast()
        guard slot.opened != .nothing else { throw invalid(value, "\(type(of: value)) encoded nothing") }
        try guarding(value) { () throws(CodecError) in try close(slot.opened, emptyIsMap: false) }
    }

    private func open(_ opened: Opened) -> SlotEncoder {
        serial += 1
        slots.append(Slot(opened: opened, serial: serial))
        return SlotEncoder(recorder: self, slot: slots.count - 1, serial: serial, depth: path.count)
    }

    // MARK: Slots

    /// Opens a container for an encoder, or finds the one of the same kind that it has opened already.
    func open(_ opened: Opened, in encoder: SlotEncoder) throws {
        try checkTop(encoder)
        let before = slots[encoder.slot].opened
        guard before == .nothing || (before == opened && opened != .scalar) else {
            throw EncodingError.invalidValue(opened, context("a second value, or a container of another kind, is encoded here"))
        }
        slots[encoder.slot].opened = opened
        guard before == .nothing else { return }
        try guarding(opened) { () throws(CodecError) in
            switch opened {
            case .map: try buffer.beginMap(count: -1)
            case .array: try buffer.beginArray(count: -1)
            case .scalar, .nothing: break
            }
        }
    }

    /// Throws unless it is this encoder's turn.
    func checkTop(_ encoder: SlotEncoder) throws {
        guard encoder.slot == slots.count - 1, slots[encoder.slot].serial == encoder.serial else {
            throw EncodingError.invalidValue(
                encoder.serial, context("a container was used after its encode(to:), or while a value inside of it was encoded"))
        }
    }

    /// How many elements the container on top has.
    var count: Int { buffer.nesting.top.count }

    /// Records a key.
    func key(_ key: some CodingKey) throws {
        try guarding(key.stringValue) { () throws(CodecError) in try buffer.key(key.stringValue) }
    }

    /// Calls the body with the recording; an error becomes an EncodingError for this value.
    func record<T>(_ value: T, _ body: (inout TokenBuffer) throws(CodecError) -> Void) throws {
        try guarding(value) { () throws(CodecError) in try body(&buffer) }
    }

    /// Calls the body with one more key on the path.
    func nest(_ key: some CodingKey, _ body: () throws -> Void) throws {
        path.append(key)
        defer { path.removeLast() }
        try body()
    }

    /// A recorder whose value will stand at this place.
    func makeChild(_ key: any CodingKey, _ opened: Opened) throws -> SlotEncoder {
        let child = Recorder(buffer: TokenBuffer(limits: buffer.limits), path: path + [key])
        try guarding(key.stringValue) { () throws(CodecError) in try buffer.splice(children.count) }
        children.append(child)
        let encoder = child.open(.nothing)
        if opened != .nothing { try child.open(opened, in: encoder) }
        return encoder
    }

    private func guarding<T, R>(_ value: T, _ body: () throws(CodecError) -> R) throws -> R {
        do throws(CodecError) {
            return try body()
        } catch {
            throw EncodingError.invalidValue(value, context(error.description, error))
        }
    }

    private func invalid<T>(_ value: T, _ message: String) -> EncodingError {
        EncodingError.invalidValue(value, context(message))
    }

    private func context(_ message: String, _ cause: CodecError? = nil) -> EncodingError.Context {
        EncodingError.Context(codingPath: path, debugDescription: message, underlyingError: cause)
    }
}
