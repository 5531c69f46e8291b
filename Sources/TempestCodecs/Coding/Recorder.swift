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

    struct NestedPlace: Hashable {
        var map: Int
        var key: String
    }

    struct Slot {
        var opened: Opened
        var serial: Int32
    }

    struct State {
        var recording: Recording
        /// The values that are being encoded, one inside of the other.
        var slots: UnsafeMutablePointer<Slot>
        var capacity: Int32 = 8
        var slotCount: Int32 = 0
        var serial: Int32 = 0
        var children: [Recorder] = []
        /// Where nested containers of maps stand.
        var nested: [NestedPlace: Int] = [:]

        init(_ recording: Recording) {
            self.recording = recording
            slots = .allocate(capacity: Int(capacity))
        }

        mutating func push(_ slot: Slot) {
            if slotCount == capacity {
                let larger = UnsafeMutablePointer<Slot>.allocate(capacity: 2 * Int(capacity))
                larger.initialize(from: slots, count: Int(slotCount))
                slots.deallocate()
                (slots, capacity) = (larger, 2 * capacity)
            }
            (slots + Int(slotCount)).initialize(to: slot)
            slotCount += 1
        }

        mutating func pop() -> Slot {
            precondition(slotCount > 0, "a value ended that never began")
            slotCount -= 1
            return slots[Int(slotCount)]
        }
    }

    /// Behind a pointer, not in properties: those of a class are checked for overlapping access at every use, which took a third of
    /// the time. Nobody but this recorder sees it, and no method calls a program's code while it holds a part of it.
    let state: UnsafeMutablePointer<State>
    /// The path to the value that is recorded.
    private let prefix: [any CodingKey]
    /// How many values are being encoded around it.
    private let outerSlots: Int32

    init(limits: Limits) {
        prefix = []
        outerSlots = 0
        state = .allocate(capacity: 1)
        state.initialize(to: State(Recording(limits: limits)))
    }

    /// A recorder inside of another.
    private init(in parent: Recorder) {
        prefix = parent.path()
        outerSlots = parent.outerSlots + parent.state.pointee.slotCount
        let around = parent.state.pointee.recording
        state = .allocate(capacity: 1)
        state.initialize(to: State(Recording(limits: around.limits, outer: around.depth, isSmall: true)))
    }

    deinit {
        state.pointee.recording.free()
        state.pointee.slots.deallocate()
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// Records one value and calls the body with its entries, of which there are `count`; splices are resolved.
    @inline(__always)
    static func record<T: Encodable, R>(
        _ value: T, limits: Limits, _ body: (_ view: TapeView, _ count: Int) throws -> R
    ) throws -> R {
        let recorder = Recorder(limits: limits)
        try recorder.encode(value)
        let state = recorder.state
        guard state.pointee.children.isEmpty else { return try recorder.resolved(value, body) }
        guard state.pointee.recording.isComplete else { throw recorder.invalid(value, "\(T.self) encoded nothing") }
        guard state.pointee.recording.room.count <= limits.values else {
            throw recorder.invalid(value, "more than \(limits.values) values")
        }
        return try withExtendedLifetime(recorder) {
            try body(state.pointee.recording.view, state.pointee.recording.room.count)
        }
    }

    @inline(never)
    private func resolved<R>(_ value: some Encodable, _ body: (TapeView, Int) throws -> R) throws -> R {
        var target = Recording(limits: state.pointee.recording.limits)
        defer { target.free() }
        do throws(CodecError) {
            try resolve(into: &target)
        } catch {
            throw refusal(value, error)
        }
        guard target.isComplete else { throw invalid(value, "it encoded nothing") }
        return try body(target.view, target.room.count)
    }

    private func resolve<W: TokenWriter>(into target: inout W) throws(CodecError) {
        let tape = state.pointee.recording.tape
        try tape.write(from: 0, to: tape.entries.count, into: &target) { (number, writer) throws(CodecError) in
            let child = state.pointee.children[number]
            try child.closeAll()
            try child.resolve(into: &writer)
        }
    }

    /// Closes what a nested container or super encoder left open; one that encoded nothing is an empty map.
    private func closeAll() throws(CodecError) {
        while state.pointee.slotCount > 0 { try close(state.pointee.pop().opened, emptyIsMap: true) }
    }

    private func close(_ opened: Opened, emptyIsMap: Bool) throws(CodecError) {
        switch opened {
        case .map: try state.pointee.recording.endMap()
        case .array: try state.pointee.recording.endArray()
        case .scalar: break
        case .nothing:
            guard emptyIsMap else { return }
            try state.pointee.recording.beginMap(count: 0)
            try state.pointee.recording.endMap()
        }
    }

    // MARK: Values

    /// Records one value.
    @inline(__always)
    func encode<T: Encodable>(_ value: T) throws {
        if try encodeKnown(value) { return }
        try encodeUnknown(value)
    }

    private func encodeUnknown<T: Encodable>(_ value: T) throws {
        let shape = CodingShape.of(T.self)
        if let collection = shape.writable {
            return try withUnsafePointer(to: value) { try collection.record(UnsafeRawPointer($0), in: self) }
        }
        if let type = shape.foundation, try encode(value, as: type) { return }
        try encodeByItself(value)
    }

    /// Records an array or a map, whose elements the body encodes.
    @inline(__always)
    func encode<T: Encodable>(_ value: T, opening opened: Opened, _ elements: () throws -> Void) throws {
        let (mark, slot) = (state.pointee.recording.mark, state.pointee.slotCount)
        do {
            do throws(CodecError) {
                try begin(opened)
            } catch {
                throw refusal(value, error)
            }
            state.pointee.serial &+= 1
            state.pointee.push(Slot(opened: opened, serial: state.pointee.serial))
            try elements()
            _ = state.pointee.pop()
            let depth = state.pointee.recording.room.depth - 1
            do throws(CodecError) {
                try close(opened, emptyIsMap: false)
            } catch {
                throw EncodingError.refusing(value, context(error.description, error, path: path(depth)))
            }
        } catch {
            // Whoever catches this may go on: nothing of the value is left.
            state.pointee.slotCount = slot
            state.pointee.recording.rewind(to: mark)
            throw error
        }
    }

    private func begin(_ opened: Opened) throws(CodecError) {
        switch opened {
        case .map: try state.pointee.recording.beginMap(count: -1)
        case .array: try state.pointee.recording.beginArray(count: -1)
        case .scalar, .nothing: break
        }
    }

    /// Records what its `encode(to:)` encodes; nothing at all, inside of another value, is an empty map, as it is for Foundation.
    func encodeByItself<T: Encodable>(_ value: T) throws {
        let limit = state.pointee.recording.limits.depth * 4
        guard Int(state.pointee.slotCount + outerSlots) <= limit else {
            throw invalid(value, "encode(to:) goes deeper than \(limit) calls")
        }
        let mark = state.pointee.recording.mark
        let encoder = open(.nothing)
        do {
            try value.encode(to: encoder)
        } catch {
            // Whoever catches this may go on: nothing of the value is left.
            state.pointee.slotCount = encoder.slot
            state.pointee.recording.rewind(to: mark)
            throw error
        }
        let slot = state.pointee.pop()
        // A scalar that is not there was refused, and whoever encodes took no notice.
        let wasRefused = slot.opened == .scalar && state.pointee.recording.room.count <= mark.count
        if wasRefused || (slot.opened == .nothing && state.pointee.slotCount + outerSlots == 0) {
            let error = invalid(value, "\(T.self) encoded nothing")
            state.pointee.recording.rewind(to: mark)
            throw error
        }
        do throws(CodecError) {
            try close(slot.opened, emptyIsMap: true)
        } catch {
            let refusal = EncodingError.refusing(value, context(error.description, error, path: path(Int(encoder.depth))))
            state.pointee.recording.rewind(to: mark)
            throw refusal
        }
    }

    private func open(_ opened: Opened) -> SlotEncoder {
        state.pointee.serial &+= 1
        let serial = state.pointee.serial
        state.pointee.push(Slot(opened: opened, serial: serial))
        return SlotEncoder(
            recorder: self, slot: state.pointee.slotCount - 1, serial: serial,
            depth: Int32(truncatingIfNeeded: state.pointee.recording.room.depth))
    }

    // MARK: Slots

    /// Opens a container for an encoder, or finds the one of the same kind that it has opened already.
    func open(_ opened: Opened, in encoder: SlotEncoder) throws {
        try checkTop(encoder)
        let before = state.pointee.slots[Int(encoder.slot)].opened
        guard before == .nothing || (before == opened && opened != .scalar) else {
            throw EncodingError.invalidValue(opened, context("a second value, or a container of another kind, is encoded here"))
        }
        guard before == .nothing else { return }
        do throws(CodecError) {
            try begin(opened)
        } catch {
            throw refusal(opened, error)
        }
        state.pointee.slots[Int(encoder.slot)].opened = opened
    }

    /// Throws unless it is this encoder's turn.
    @inline(__always)
    func checkTop(_ encoder: SlotEncoder) throws {
        guard encoder.slot == state.pointee.slotCount - 1, state.pointee.slots[Int(encoder.slot)].serial == encoder.serial else {
            throw notTop(encoder)
        }
    }

    @inline(never)
    private func notTop(_ encoder: SlotEncoder) -> EncodingError {
        .invalidValue(
            encoder.serial, context("a container was used after its encode(to:), or while a value inside of it was encoded"))
    }

    /// How many elements the container on top has.
    var count: Int { state.pointee.recording.room.elements }

    /// Records a key.
    @inline(__always)
    func key(_ key: some CodingKey) throws { try self.key(named: key.stringValue) }

    /// Records a key.
    @inline(__always)
    func key(named name: String) throws {
        do throws(CodecError) {
            try state.pointee.recording.key(name)
        } catch {
            throw refusal(name, error)
        }
    }

    /// Calls the body with the value and the recording; an error becomes an EncodingError for this value.
    @inline(__always)
    func record<T>(_ value: T, _ body: (T, inout Recording) throws(CodecError) -> Void) throws {
        let mark = state.pointee.recording.mark
        do throws(CodecError) {
            try body(value, &state.pointee.recording)
        } catch {
            let thrown = refusal(value, error)
            state.pointee.recording.rewind(to: mark)
            throw thrown
        }
    }

    /// A recorder whose value will stand at this place.
    func makeChild(_ key: any CodingKey, _ opened: Opened) throws -> SlotEncoder {
        if opened != .nothing, let there = child(under: key, opened) { return there }
        let child = Recorder(in: self)
        let room = state.pointee.recording.room
        if room.isMap { state.pointee.nested[NestedPlace(map: room.open, key: key.stringValue)] = room.count }
        do throws(CodecError) {
            try state.pointee.recording.splice(state.pointee.children.count)
        } catch {
            throw refusal(key.stringValue, error)
        }
        state.pointee.children.append(child)
        let encoder = child.open(.nothing)
        if opened != .nothing { try child.open(opened, in: encoder) }
        return encoder
    }

    /// The container that was asked for under this key before, if it is the key of a map and of the same kind: what is written to either
    /// comes together, as it does for Foundation. The key that was recorded for the second is dropped.
    private func child(under key: any CodingKey, _ opened: Opened) -> SlotEncoder? {
        let room = state.pointee.recording.room
        guard room.isMap, let index = state.pointee.nested[NestedPlace(map: room.open, key: key.stringValue)],
            let number = state.pointee.recording.splice(at: index, under: key.stringValue)
        else { return nil }
        let child = state.pointee.children[number].state
        guard child.pointee.slotCount == 1, child.pointee.slots[0].opened == opened else { return nil }
        state.pointee.recording.dropKey()
        return SlotEncoder(
            recorder: state.pointee.children[number], slot: 0, serial: child.pointee.slots[0].serial, depth: 0)
    }

    /// What a value's own `encode(to:)` says, beside the recording.
    func own<T: Encodable>(_ value: T) throws -> Value {
        let aside = Recorder(in: self)
        try aside.encodeByItself(value)
        var cursor = ValueCursor(at: 0)
        return withExtendedLifetime(aside) { aside.state.pointee.recording.view.takeValue(&cursor) }
    }

    // MARK: Paths and errors

    /// The path to what is recorded next: read from the recording when it is asked for, so that nothing is kept of it meanwhile.
    /// `depth`: no deeper than so many containers.
    func path(_ depth: Int = .max) -> [any CodingKey] {
        let recording = state.pointee.recording
        var keys: [any CodingKey] = []
        // From the innermost container outwards: the entry of each tells which one is around it, and how many elements that had.
        var container = recording.room.open
        var elements = recording.room.elements
        // Where the value is, or will be, that the path goes to.
        var place = recording.awaitsValue || !recording.room.isMap ? recording.room.count : -1
        while container >= 0 {
            let entry = recording.room.entries[container]
            if entry.kind == .array {
                keys.append(PathKey(index: elements))
            } else if place > 0 {
                // The key stands right before its value.
                keys.append(PathKey(stringValue: KeyText.cut(recording.view.string(recording.room.entries[place - 1]))))
            }
            place = container
            container = Int(Int32(truncatingIfNeeded: entry.high))
            elements = entry.low
        }
        return prefix + keys.reversed().prefix(depth)
    }

    @inline(never)
    func refusal<T>(_ value: T, _ error: CodecError) -> EncodingError {
        EncodingError.refusing(value, context(error.description, error))
    }

    @inline(never)
    func invalid<T>(_ value: T, _ message: String) -> EncodingError {
        EncodingError.refusing(value, context(message))
    }

    private func context(
        _ message: String, _ cause: CodecError? = nil, path: [any CodingKey]? = nil
    ) -> EncodingError.Context {
        EncodingError.Context(codingPath: path ?? self.path(), debugDescription: message, underlyingError: cause)
    }
}
