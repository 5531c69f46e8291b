// libmsgpack reads the same bytes whole: both accept the same value, or ours refuses for a reason that protocol/codecs.md gives.
// Before it: the checks of the MessagePack codec. After it: nothing.

import CMessagePack
import TempestCodecs

/// What libmsgpack makes of the bytes.
private enum Outcome: Equatable {
    /// A value, and how many bytes it took.
    case value(consumed: Int)
    /// More bytes are needed.
    case unfinished
    case refused
}

/// libmsgpack keeps 32 levels; what is deeper is left to the other checks.
private let referenceDepth = 30

/// Compares our outcome for an input with libmsgpack's.
func checkAgainstReference(_ bytes: [UInt8], _ ours: Result<Value, CodecError>) {
    guard claimsAreSmall(bytes) else { return }
    var unpacked = msgpack_unpacked()
    msgpack_unpacked_init(&unpacked)
    defer { msgpack_unpacked_destroy(&unpacked) }
    var consumed = 0
    let status = bytes.withUnsafeBytes {
        msgpack_unpack_next(&unpacked, $0.bindMemory(to: CChar.self).baseAddress, $0.count, &consumed)
    }
    let outcome: Outcome =
        switch status {
        case MSGPACK_UNPACK_SUCCESS, MSGPACK_UNPACK_EXTRA_BYTES: .value(consumed: consumed)
        case MSGPACK_UNPACK_CONTINUE: .unfinished
        default: .refused
        }
    switch ours {
    case .success(let value):
        if Shape(value).depth > referenceDepth { return }
        expect(outcome == .value(consumed: bytes.count), "libmsgpack: \(outcome) for what was read as \(value)")
        expect(matches(unpacked.data, value), "libmsgpack reads another value than \(value)")
    case .failure(let error):
        checkRefused(error, outcome, unpacked.data, bytes.count)
    }
}

/// A refusal of ours is the library's too, or has a documented reason that is there to be seen.
private func checkRefused(_ error: CodecError, _ outcome: Outcome, _ object: msgpack_object, _ count: Int) {
    guard case .value(let consumed) = outcome else { return }
    var reasons = Reasons()
    reasons.look(object, depth: 0)
    switch error.code {
    case .trailing: expect(consumed < count && consumed == error.offset, "libmsgpack took \(consumed) bytes: \(error)")
    case .duplicateKey: expect(reasons.duplicateKey, "libmsgpack finds no key twice: \(error)")
    case .text: expect(reasons.text, "libmsgpack finds text and keys in order: \(error)")
    case .number: expect(reasons.number, "libmsgpack finds all floats finite: \(error)")
    case .depth: expect(reasons.depth > Limits.standard.depth, "libmsgpack finds depth \(reasons.depth): \(error)")
    // A claim that is too large for all that is left may only be bytes that do not belong to the value.
    default: finding("libmsgpack reads \(consumed) of \(count) bytes: \(error)")
    }
}

/// Whether no header, wherever one may be, claims so many elements that libmsgpack would take gigabytes for them.
private func claimsAreSmall(_ bytes: [UInt8]) -> Bool {
    for (index, byte) in bytes.enumerated() where byte == 0xDD || byte == 0xDF {
        guard index + 2 < bytes.count else { continue }
        if bytes[index + 1] != 0 || bytes[index + 2] > 1 { return false }
    }
    return true
}

private func array(_ start: UnsafePointer<CChar>?, _ count: UInt32) -> [UInt8] {
    UnsafeRawBufferPointer(start: start, count: Int(count)).map { $0 }
}

private func matches(_ object: msgpack_object, _ value: Value) -> Bool {
    switch (object.type, value) {
    case (MSGPACK_OBJECT_NIL, .null): return true
    case (MSGPACK_OBJECT_BOOLEAN, .bool(let bool)): return object.via.boolean == bool
    case (MSGPACK_OBJECT_POSITIVE_INTEGER, .int(let int)): return object.via.u64 == UInt64(exactly: int)
    case (MSGPACK_OBJECT_POSITIVE_INTEGER, .uint(let uint)): return object.via.u64 == uint
    case (MSGPACK_OBJECT_NEGATIVE_INTEGER, .int(let int)): return object.via.i64 == int
    case (MSGPACK_OBJECT_FLOAT32, .double(let double)), (MSGPACK_OBJECT_FLOAT64, .double(let double)):
        return object.via.f64.bitPattern == double.bitPattern
    case (MSGPACK_OBJECT_STR, .text(let text)): return text.utf8.elementsEqual(array(object.via.str.ptr, object.via.str.size))
    case (MSGPACK_OBJECT_BIN, .binary(let bytes)): return bytes == array(object.via.bin.ptr, object.via.bin.size)
    case (MSGPACK_OBJECT_EXT, .ext(let type, let data)):
        return object.via.ext.type == type && data == array(object.via.ext.ptr, object.via.ext.size)
    case (MSGPACK_OBJECT_ARRAY, .array(let elements)):
        let objects = UnsafeBufferPointer(start: object.via.array.ptr, count: Int(object.via.array.size))
        return objects.count == elements.count && zip(objects, elements).allSatisfy { matches($0, $1) }
    case (MSGPACK_OBJECT_MAP, .map(let map)):
        let pairs = UnsafeBufferPointer(start: object.via.map.ptr, count: Int(object.via.map.size))
        return pairs.count == map.count
            && zip(pairs, map).allSatisfy { key($0.key).map($1.key.utf8.elementsEqual) == true && matches($0.val, $1.value) }
    default: return false
    }
}

/// The bytes of a key; nil if it is neither str nor bin.
private func key(_ object: msgpack_object) -> [UInt8]? {
    switch object.type {
    case MSGPACK_OBJECT_STR: array(object.via.str.ptr, object.via.str.size)
    case MSGPACK_OBJECT_BIN: array(object.via.bin.ptr, object.via.bin.size)
    default: nil
    }
}

/// The documented reasons for which a value that libmsgpack reads is refused.
private struct Reasons {
    var duplicateKey = false
    var text = false
    var number = false
    var depth = 0

    mutating func look(_ object: msgpack_object, depth outer: Int) {
        switch object.type {
        case MSGPACK_OBJECT_FLOAT32, MSGPACK_OBJECT_FLOAT64: if !object.via.f64.isFinite { number = true }
        case MSGPACK_OBJECT_STR: check(array(object.via.str.ptr, object.via.str.size))
        case MSGPACK_OBJECT_ARRAY:
            depth = max(depth, outer + 1)
            for element in UnsafeBufferPointer(start: object.via.array.ptr, count: Int(object.via.array.size)) {
                look(element, depth: outer + 1)
            }
        case MSGPACK_OBJECT_MAP:
            depth = max(depth, outer + 1)
            var keys: Set<[UInt8]> = []
            for pair in UnsafeBufferPointer(start: object.via.map.ptr, count: Int(object.via.map.size)) {
                if let key = key(pair.key) {
                    check(key)
                    if !keys.insert(key).inserted { duplicateKey = true }
                } else {
                    text = true
                }
                look(pair.val, depth: outer + 1)
            }
        default: break
        }
    }

    private mutating func check(_ bytes: [UInt8]) {
        if String(validating: bytes, as: UTF8.self) == nil { text = true }
    }
}
