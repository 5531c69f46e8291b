// How the codecs of this package encode values, nodes and recordings: most of them fit a kilobyte of the stack.
// Before it: a codec's encode. After it: bytes for Redis.

/// A form that writes into a buffer which it is given.
protocol BufferedForm: TokenForm {
    init(_ output: OutputBuffer)
}

/// A writer that can be made of its parts.
protocol BufferedWriting: FormWriting where Form: BufferedForm {
    init(base: FormWriter<Form>)
}

extension Codec where Writer: BufferedWriting {
    /// The bytes of a value, node or recording.
    @inline(__always)
    func encoded<T: TokenWritable>(_ value: T, limits: Limits, canonical: Bool) throws(CodecError) -> [UInt8] {
        // A program's own type may keep a copy of the writer: it gets none that writes to the stack.
        guard !canonical, T.self == Value.self || T.self == TokenBuffer.self || T.self == Node.self else {
            return try written(value, limits: limits, canonical: canonical)
        }
        return try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1024) { (small) throws(CodecError) -> [UInt8] in
            let form = Writer.Form(OutputBuffer(small))
            // Told to the compiler, so that it writes the code out: what types of other modules call, it cannot.
            if T.self == Value.self { return try FormWriter.bytes(unsafeBitCast(value, to: Value.self), form, limits) }
            var writer = Writer(base: FormWriter(form, limits: limits))
            if T.self == TokenBuffer.self {
                try writer.write(unsafeBitCast(value, to: TokenBuffer.self))
            } else {
                try writer.write(unsafeBitCast(value, to: Node.self))
            }
            return try writer.base.complete()
        }
    }

    /// The bytes of an `Encodable`.
    @inline(__always)
    func encodedEncodable<T: Encodable>(_ value: T, limits: Limits, canonical: Bool) throws -> [UInt8] {
        if canonical {
            var buffer = TokenBuffer(limits: limits)
            try buffer.encode(value)
            return try written(buffer, limits: limits, canonical: true)
        }
        return try Recorder.record(value, limits: limits) { (view, count) in
            try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1024) { (small) throws(CodecError) -> [UInt8] in
                try FormWriter.bytes(view, count, Writer.Form(OutputBuffer(small)), limits)
            }
        }
    }
}
