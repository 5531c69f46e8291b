// Foundation's types as they are written (protocol/codecs.md, "Types of languages"). Before it: a field that is one. After it: the recording.

extension Recorder {
    /// Records a value of one of Foundation's types in the form that other languages read. False for one whose own form that is.
    func encode<T: Encodable>(_ value: T, as type: FoundationType) throws -> Bool {
        switch type {
        case .uuid: return false
        case .data:
            guard let bytes = value as? any Collection<UInt8> else { return false }
            try encode(bytes)
        case .date:
            guard case .double(let seconds) = try own(value) else { return false }
            guard let moment = Moment(sinceReference: seconds) else {
                throw invalid(value, "a Date outside of the years 0 to 9999")
            }
            try encode(text: moment.text)
        case .url:
            guard case .map(let parts) = try own(value), case .text(let relative)? = parts["relative"] else { return false }
            guard case .text(let base)? = parts["base"] else {
                try encode(text: relative)
                return true
            }
            try encode(text: URLText.resolve(relative, base))
        case .decimal:
            guard let text = (value as? any CustomStringConvertible)?.description else { return false }
            guard text != "NaN" else { throw invalid(value, "NaN is no value: a Decimal is a number") }
            try encode(text: text)
        }
        return true
    }

    private func encode(text: String) throws {
        try record(text) { (text, buffer) throws(CodecError) in try buffer.text(text) }
    }

    private func encode(_ bytes: some Collection<UInt8>) throws {
        let isDone: Void? = try bytes.withContiguousStorageIfAvailable { bytes in
            try record(UnsafeRawBufferPointer(bytes)) { (bytes, buffer) throws(CodecError) in try buffer.binary(bytes) }
        }
        if isDone == nil {
            try record([UInt8](bytes)) { (bytes, buffer) throws(CodecError) in try buffer.binary(bytes) }
        }
    }
}
