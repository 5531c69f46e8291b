// Tokens as MessagePack, packed by libmsgpack.
// Before it: a Value, Node or TokenBuffer. After it: bytes for Redis.

import CMessagePack

/// Writes one MessagePack document. Copies of a writer share their bytes: only one of them may go on writing.
public struct MessagePackWriter: TokenWriter {
    /// Owns the library's buffer, and frees it whichever way the writer goes.
    private final class Buffer {
        let pointer: UnsafeMutablePointer<msgpack_sbuffer>

        init() {
            pointer = .allocate(capacity: 1)
            pointer.initialize(to: msgpack_sbuffer())
            msgpack_sbuffer_init(pointer)
        }

        deinit {
            msgpack_sbuffer_destroy(pointer)
            pointer.deallocate()
        }
    }

    private let buffer = Buffer()
    private var packer = msgpack_packer()
    private var nesting: Nesting
    private let limit: Int

    init(limits: Limits) {
        nesting = Nesting(name: "msgpack", limits: limits)
        limit = limits.bytes
        msgpack_packer_init(&packer, buffer.pointer, msgpack_sbuffer_write)
    }

    /// Writes nil.
    public mutating func null() throws(CodecError) {
        try nesting.value()
        try check(msgpack_pack_nil(&packer))
    }

    /// Writes a bool.
    public mutating func bool(_ value: Bool) throws(CodecError) {
        try nesting.value()
        try check(value ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer))
    }

    /// Writes an integer in its smallest format.
    public mutating func int(_ value: Int64) throws(CodecError) {
        try nesting.value()
        try check(msgpack_pack_int64(&packer, value))
    }

    /// Writes an integer in its smallest format.
    public mutating func uint(_ value: UInt64) throws(CodecError) {
        try nesting.value()
        try check(msgpack_pack_uint64(&packer, value))
    }

    /// Writes a float of 64 bits; refuses NaN and the infinities.
    public mutating func double(_ value: Double) throws(CodecError) {
        guard value.isFinite else { throw CodecError(.number, "msgpack: \(value) is no value, floats are finite") }
        try nesting.value()
        try check(msgpack_pack_double(&packer, value))
    }

    /// Writes str.
    public mutating func text(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw CodecError(.text, "msgpack: text that is not valid UTF-8") }
        try nesting.value()
        try string(utf8)
    }

    /// Writes bin.
    public mutating func binary(_ bytes: UnsafeRawBufferPointer) throws(CodecError) {
        try nesting.value()
        try check(adding: bytes.count)
        try check(msgpack_pack_bin(&packer, bytes.count))
        try check(msgpack_pack_bin_body(&packer, bytes.baseAddress, bytes.count))
    }

    /// Writes ext.
    public mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError) {
        try nesting.value()
        try check(adding: data.count)
        try check(msgpack_pack_ext(&packer, data.count, type))
        try check(msgpack_pack_ext_body(&packer, data.baseAddress, data.count))
    }

    /// Opens an array.
    public mutating func beginArray(count: Int) throws(CodecError) {
        try nesting.begin(map: false, expected: try checked(count), start: 0)
        try check(msgpack_pack_array(&packer, count))
    }

    /// Closes the array.
    public mutating func endArray() throws(CodecError) {
        _ = try nesting.end(map: false)
    }

    /// Opens a map.
    public mutating func beginMap(count: Int) throws(CodecError) {
        try nesting.begin(map: true, expected: try checked(count), start: 0)
        try check(msgpack_pack_map(&packer, count))
    }

    /// Writes a key as str.
    public mutating func key(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        guard UTF8Check.isValid(utf8) else { throw CodecError(.text, "msgpack: a key that is not valid UTF-8") }
        try nesting.key()
        try string(utf8)
    }

    /// Closes the map.
    public mutating func endMap() throws(CodecError) {
        _ = try nesting.end(map: true)
    }

    consuming func finish() throws(CodecError) -> [UInt8] {
        try nesting.finish()
        let content = buffer.pointer.pointee
        return [UInt8](UnsafeRawBufferPointer(start: content.data, count: content.size))
    }

    private mutating func string(_ utf8: UnsafeRawBufferPointer) throws(CodecError) {
        try check(adding: utf8.count)
        try check(msgpack_pack_str(&packer, utf8.count))
        try check(msgpack_pack_str_body(&packer, utf8.baseAddress, utf8.count))
    }

    /// The count goes into the bytes before the elements do.
    private func checked(_ count: Int) throws(CodecError) -> Int {
        guard count >= 0, count <= UInt32.max else {
            throw CodecError(.syntax, "msgpack: \(count) is no count of elements")
        }
        return count
    }

    @inline(__always)
    private func check(adding count: Int) throws(CodecError) {
        guard count <= limit else { throw nesting.tooBig(limit) }
    }

    @inline(__always)
    private func check(_ status: Int32) throws(CodecError) {
        guard status == 0 else { throw CodecError(.size, "msgpack: libmsgpack got no memory to write to") }
        guard buffer.pointer.pointee.size <= limit else { throw nesting.tooBig(limit) }
    }
}
