// Tokens to MessagePack bytes, by libmsgpack's packer: integers in their smallest form, floats always as float 64.

import CMessagePack

/// Writes one MessagePack document.
public struct MessagePackWriter: TokenWriter {
    private let buffer: PackBuffer
    private var nesting: Nesting

    init(_ limits: Limits) {
        buffer = PackBuffer()
        nesting = Nesting(limits)
    }

    public mutating func null() throws(CodecError) { try pack { msgpack_pack_nil($0) } }
    public mutating func bool(_ value: Bool) throws(CodecError) {
        try pack { value ? msgpack_pack_true($0) : msgpack_pack_false($0) }
    }
    public mutating func int(_ value: Int64) throws(CodecError) { try pack { msgpack_pack_int64($0, value) } }
    public mutating func uint(_ value: UInt64) throws(CodecError) { try pack { msgpack_pack_uint64($0, value) } }
    public mutating func double(_ value: Double) throws(CodecError) {
        try Nesting.finite(value)
        try pack { msgpack_pack_double($0, value) }
    }
    public mutating func text(utf8: UnsafeRawBufferPointer) throws(CodecError) {
        try fits(utf8.count)
        try pack { msgpack_pack_str($0, utf8.count) | msgpack_pack_str_body($0, utf8.baseAddress, utf8.count) }
    }
    public mutating func key(utf8: UnsafeRawBufferPointer) throws(CodecError) { try text(utf8: utf8) }
    public mutating func binary(_ bytes: UnsafeRawBufferPointer) throws(CodecError) {
        try fits(bytes.count)
        try pack { msgpack_pack_bin($0, bytes.count) | msgpack_pack_bin_body($0, bytes.baseAddress, bytes.count) }
    }
    public mutating func ext(type: Int8, data: UnsafeRawBufferPointer) throws(CodecError) {
        try fits(data.count)
        try pack { msgpack_pack_ext($0, data.count, type) | msgpack_pack_ext_body($0, data.baseAddress, data.count) }
    }
    public mutating func beginArray(count: Int) throws(CodecError) {
        try fits(count)
        try nesting.begin()
        try write { msgpack_pack_array($0, count) }
    }
    public mutating func endArray() throws(CodecError) { nesting.end() }
    public mutating func beginMap(count: Int) throws(CodecError) {
        try fits(count)
        try nesting.begin()
        try write { msgpack_pack_map($0, count) }
    }
    public mutating func endMap() throws(CodecError) { nesting.end() }

    consuming func finish() throws(CodecError) -> [UInt8] {
        try nesting.check(bytes: buffer.count)
        return buffer.bytes
    }

    private mutating func pack(_ body: (UnsafeMutablePointer<msgpack_packer>) -> Int32) throws(CodecError) {
        try nesting.value()
        try write(body)
    }

    private func write(_ body: (UnsafeMutablePointer<msgpack_packer>) -> Int32) throws(CodecError) {
        guard buffer.pack(body) == 0 else { throw CodecError(.size, "there is no memory for the document") }
        try nesting.check(bytes: buffer.count)
    }

    /// MessagePack's lengths and counts have 32 bits, and the limit comes before the copy.
    private func fits(_ count: Int) throws(CodecError) {
        guard count <= UInt32.max else { throw CodecError(.size, "MessagePack holds at most 2^32-1 bytes or elements") }
        try nesting.check(bytes: buffer.count + count)
    }
}

/// libmsgpack's growing buffer and its packer, freed with the writer on every path.
private final class PackBuffer {
    private let buffer: UnsafeMutablePointer<msgpack_sbuffer>
    private let packer: UnsafeMutablePointer<msgpack_packer>

    init() {
        buffer = .allocate(capacity: 1)
        packer = .allocate(capacity: 1)
        msgpack_sbuffer_init(buffer)
        msgpack_packer_init(packer, buffer, msgpack_sbuffer_write)
    }

    deinit {
        msgpack_sbuffer_destroy(buffer)
        buffer.deallocate()
        packer.deallocate()
    }

    var count: Int { buffer.pointee.size }

    var bytes: [UInt8] {
        Array(UnsafeRawBufferPointer(start: buffer.pointee.data, count: buffer.pointee.size))
    }

    func pack(_ body: (UnsafeMutablePointer<msgpack_packer>) -> Int32) -> Int32 { body(packer) }
}
