// libmsgpack (msgpack-c) itself, as the reference that ours is held against.
// Used by tests, fuzzers and the benchmark; no job goes through here.

import CMessagePack

/// What libmsgpack reads and writes, as values.
///
/// It builds a tree of its own before anybody sees a value, takes memory for whatever a header claims, checks neither UTF-8 nor keys,
/// and stops at 32 levels: which is why MessagePackReader and MessagePackForm are written out. The bytes must be the same.
package enum MessagePackReference {
    /// The value that the bytes hold; nil if libmsgpack does not read them to their end, or reads what no value of ours is (keys that
    /// are no text, text that is not UTF-8, a key twice). NaN and the infinities are let through.
    package static func value(_ bytes: [UInt8]) -> Value? {
        var zone = msgpack_zone()
        // Without a zone the library makes one for every text, and never frees it.
        guard msgpack_zone_init(&zone, 8192) else { return nil }
        defer { msgpack_zone_destroy(&zone) }
        return bytes.withUnsafeBytes { raw -> Value? in
            guard let base = raw.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
            var object = msgpack_object()
            var consumed = 0
            guard msgpack_unpack(base, raw.count, &consumed, &zone, &object) == MSGPACK_UNPACK_SUCCESS, consumed == raw.count
            else {
                return nil
            }
            return value(object)
        }
    }

    /// The bytes that libmsgpack packs; nil if it refuses.
    package static func bytes(_ value: Value) -> [UInt8]? {
        var buffer = msgpack_sbuffer()
        msgpack_sbuffer_init(&buffer)
        defer { msgpack_sbuffer_destroy(&buffer) }
        return withUnsafeMutablePointer(to: &buffer) { buffer in
            var packer = msgpack_packer()
            msgpack_packer_init(&packer, buffer, msgpack_sbuffer_write)
            guard pack(value, &packer) else { return nil }
            return [UInt8](UnsafeRawBufferPointer(start: buffer.pointee.data, count: buffer.pointee.size))
        }
    }

    private static func value(_ object: msgpack_object) -> Value? {
        switch object.type {
        case MSGPACK_OBJECT_NIL: return .null
        case MSGPACK_OBJECT_BOOLEAN: return .bool(object.via.boolean)
        case MSGPACK_OBJECT_POSITIVE_INTEGER: return Value(object.via.u64)
        case MSGPACK_OBJECT_NEGATIVE_INTEGER: return .int(object.via.i64)
        case MSGPACK_OBJECT_FLOAT32, MSGPACK_OBJECT_FLOAT64: return .double(object.via.f64)
        case MSGPACK_OBJECT_STR: return text(object.via.str.ptr, object.via.str.size).map { .text($0) }
        case MSGPACK_OBJECT_BIN: return .binary(content(object.via.bin.ptr, object.via.bin.size))
        case MSGPACK_OBJECT_EXT:
            return .ext(type: object.via.ext.type, data: content(object.via.ext.ptr, object.via.ext.size))
        case MSGPACK_OBJECT_ARRAY:
            var elements: [Value] = []
            for element in UnsafeBufferPointer(start: object.via.array.ptr, count: Int(object.via.array.size)) {
                guard let element = value(element) else { return nil }
                elements.append(element)
            }
            return .array(elements)
        case MSGPACK_OBJECT_MAP:
            var pairs: [(String, Value)] = []
            for pair in UnsafeBufferPointer(start: object.via.map.ptr, count: Int(object.via.map.size)) {
                guard let key = key(pair.key), let value = value(pair.val) else { return nil }
                pairs.append((key, value))
            }
            let map = ValueMap(pairs)
            return map.count == pairs.count ? .map(map) : nil
        default: return nil
        }
    }

    /// Bin that is UTF-8 is text where a key stands.
    private static func key(_ object: msgpack_object) -> String? {
        switch object.type {
        case MSGPACK_OBJECT_STR: text(object.via.str.ptr, object.via.str.size)
        case MSGPACK_OBJECT_BIN: text(object.via.bin.ptr, object.via.bin.size)
        default: nil
        }
    }

    private static func text(_ start: UnsafePointer<CChar>?, _ count: UInt32) -> String? {
        String(validating: content(start, count), as: UTF8.self)
    }

    private static func content(_ start: UnsafePointer<CChar>?, _ count: UInt32) -> [UInt8] {
        [UInt8](UnsafeRawBufferPointer(start: start, count: Int(count)))
    }

    private static func pack(_ value: Value, _ packer: inout msgpack_packer) -> Bool {
        switch value {
        case .null: return msgpack_pack_nil(&packer) == 0
        case .bool(let bool): return (bool ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer)) == 0
        case .int(let int): return msgpack_pack_int64(&packer, int) == 0
        case .uint(let uint): return msgpack_pack_uint64(&packer, uint) == 0
        case .double(let double): return msgpack_pack_double(&packer, double) == 0
        case .text(let text): return packText(text, &packer)
        case .binary(let bytes):
            return msgpack_pack_bin(&packer, bytes.count) == 0 && msgpack_pack_bin_body(&packer, bytes, bytes.count) == 0
        case .ext(let type, let data):
            return msgpack_pack_ext(&packer, data.count, type) == 0 && msgpack_pack_ext_body(&packer, data, data.count) == 0
        case .array(let elements):
            guard msgpack_pack_array(&packer, elements.count) == 0 else { return false }
            for element in elements where !pack(element, &packer) { return false }
            return true
        case .map(let map):
            guard msgpack_pack_map(&packer, map.count) == 0 else { return false }
            for (key, value) in map {
                guard packText(key, &packer), pack(value, &packer) else { return false }
            }
            return true
        }
    }

    private static func packText(_ text: String, _ packer: inout msgpack_packer) -> Bool {
        let utf8 = Array(text.utf8)
        return msgpack_pack_str(&packer, utf8.count) == 0 && msgpack_pack_str_body(&packer, utf8, utf8.count) == 0
    }
}
