// The types that are recorded without a call of their `encode(to:)`: scalars, bytes, and the arrays that are met most.
// Before it: the recorder's encode. After it: the recording.

extension Recorder {
    /// Records the types that need no `encode(to:)`; false for any other.
    @inline(__always)
    func encodeKnown<T: Encodable>(_ value: T) throws -> Bool {
        if T.self == String.self {
            try record(unsafeBitCast(value, to: String.self)) { (text, buffer) throws(CodecError) in try buffer.text(text) }
        } else if T.self == Int.self {
            try record(unsafeBitCast(value, to: Int.self)) { (int, buffer) throws(CodecError) in try buffer.int(Int64(int)) }
        } else if T.self == Double.self {
            try record(unsafeBitCast(value, to: Double.self)) { (double, buffer) throws(CodecError) in try buffer.double(double) }
        } else if T.self == Bool.self {
            try record(unsafeBitCast(value, to: Bool.self)) { (bool, buffer) throws(CodecError) in try buffer.bool(bool) }
        } else if T.self == [UInt8].self {
            try record(unsafeBitCast(value, to: [UInt8].self)) { (bytes, buffer) throws(CodecError) in try buffer.binary(bytes) }
        } else if T.self == [Int].self {
            let array = unsafeBitCast(value, to: [Int].self)
            try recordArray(array) { (int, buffer) throws(CodecError) in try buffer.int(Int64(int)) }
        } else if T.self == [String].self {
            let array = unsafeBitCast(value, to: [String].self)
            try recordArray(array) { (text, buffer) throws(CodecError) in try buffer.text(text) }
        } else if T.self == [Double].self {
            let array = unsafeBitCast(value, to: [Double].self)
            try recordArray(array) { (double, buffer) throws(CodecError) in try buffer.double(double) }
        } else if T.self == Value.self, let dynamic = value as? Value {
            try record(dynamic) { (value, buffer) throws(CodecError) in try buffer.write(value) }
        } else {
            return false
        }
        return true
    }

    /// The arrays that are met most, without a container for each.
    @inline(__always)
    private func recordArray<E>(_ array: [E], _ body: (E, inout Recording) throws(CodecError) -> Void) throws {
        var current: E?
        let mark = state.pointee.recording.mark
        do throws(CodecError) {
            try state.pointee.recording.beginArray(count: array.count)
            for element in array {
                current = element
                try body(element, &state.pointee.recording)
            }
            try state.pointee.recording.endArray()
        } catch {
            let thrown = current.map { refusal($0, error) } ?? refusal(array, error)
            state.pointee.recording.rewind(to: mark)
            throw thrown
        }
    }
}
