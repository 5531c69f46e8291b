// Bytes of MessagePack to a document. Containers are opened here, scalars are read by libmsgpack.
// Before it: the bytes of a job or answer. After it: the builder that holds their flat form.

import CMessagePack

/// Reads one MessagePack document; hostile bytes end in an error that names the byte.
///
/// libmsgpack is given one scalar at a time, whose bytes are known to be there: of containers it would take memory for as many
/// elements as are claimed (five bytes took 4 GB), and it cannot go deeper than 32 levels.
struct MessagePackReader {
    let bytes: UnsafeRawBufferPointer
    var builder: DocumentBuilder
    private var position = 0
    /// The elements (keys and values each) that the open containers still claim; every one takes a byte at least.
    private var owed = 1

    init(bytes: UnsafeRawBufferPointer, builder: DocumentBuilder) {
        self.bytes = bytes
        self.builder = builder
    }

    /// Reads the document, up to the last byte.
    mutating func read() throws(CodecError) {
        guard !bytes.isEmpty else { throw CodecError(.syntax, "msgpack: there is no value", at: 0) }
        // Scalars take nothing from the zone. Without one the library makes its own for every text, and never frees it.
        var zone = msgpack_zone()
        guard msgpack_zone_init(&zone, 64) else { throw CodecError(.size, "msgpack: libmsgpack got no memory") }
        defer { msgpack_zone_destroy(&zone) }
        try readAll(&zone)
    }

    private mutating func readAll(_ zone: UnsafeMutablePointer<msgpack_zone>) throws(CodecError) {
        // The elements that each of the open containers still claims.
        var open: [Int] = []
        var left = 1
        while true {
            while left == 0 {
                guard let outer = open.popLast() else {
                    guard position == bytes.count else {
                        throw CodecError(.trailing, "msgpack: bytes after the value", at: position)
                    }
                    return
                }
                if builder.isInMap { try builder.endMap(at: position) } else { try builder.endArray(at: position) }
                left = outer
            }
            left -= 1
            owed -= 1
            if let count = try readElement(zone) {
                open.append(left)
                left = count
            }
        }
    }

    /// Reads a scalar or key, or opens a container and hands out how many elements it claims.
    private mutating func readElement(_ zone: UnsafeMutablePointer<msgpack_zone>) throws(CodecError) -> Int? {
        let start = position
        guard start < bytes.count else { throw CodecError(.claim, "msgpack: the bytes end before the value does", at: start) }
        let header = try MessagePackHeader(in: bytes, at: start)
        let payload = start + header.size
        let claim = header.form == .map ? header.claim * 2 : header.claim
        guard claim + owed <= bytes.count - payload else { throw tooMuch(header, payload, start) }
        switch header.form {
        case .array:
            try checkKey(start)
            try builder.beginArray(at: start)
        case .map:
            try checkKey(start)
            try builder.beginMap(at: start)
        default:
            position = payload + header.claim
            try readScalar(start: start, payload: payload, zone)
            return nil
        }
        position = payload
        owed += claim
        return claim
    }

    /// Has libmsgpack read the scalar between `start` and the position.
    private mutating func readScalar(
        start: Int, payload: Int, _ zone: UnsafeMutablePointer<msgpack_zone>
    ) throws(CodecError) {
        guard let base = bytes.baseAddress else { return }
        var object = msgpack_object()
        var consumed = 0
        let status = msgpack_unpack(
            (base + start).assumingMemoryBound(to: CChar.self), position - start, &consumed, zone, &object)
        guard status == MSGPACK_UNPACK_SUCCESS, consumed == position - start else {
            throw CodecError(.syntax, "msgpack: libmsgpack does not read the value", at: start)
        }
        let range = payload..<position
        if builder.needsKey { return try readKey(object, range, start) }
        switch object.type {
        case MSGPACK_OBJECT_NIL: try builder.null(at: start)
        case MSGPACK_OBJECT_BOOLEAN: try builder.bool(object.via.boolean, at: start)
        case MSGPACK_OBJECT_POSITIVE_INTEGER: try builder.uint(object.via.u64, at: start)
        case MSGPACK_OBJECT_NEGATIVE_INTEGER: try builder.int(object.via.i64, at: start)
        case MSGPACK_OBJECT_FLOAT32, MSGPACK_OBJECT_FLOAT64: try builder.double(object.via.f64, at: start)
        case MSGPACK_OBJECT_STR: try builder.text(range, at: start)
        case MSGPACK_OBJECT_BIN: try builder.binary(range, at: start)
        case MSGPACK_OBJECT_EXT: try builder.ext(type: object.via.ext.type, range, at: start)
        default: throw CodecError(.syntax, "msgpack: libmsgpack found a scalar of type \(object.type.rawValue)", at: start)
        }
    }

    /// Ruby packs ASCII-8BIT strings as bin: as a key, bin that is UTF-8 is text.
    private mutating func readKey(_ object: msgpack_object, _ range: Range<Int>, _ start: Int) throws(CodecError) {
        guard object.type == MSGPACK_OBJECT_STR || object.type == MSGPACK_OBJECT_BIN else { throw notText(start) }
        try builder.key(range, at: start)
    }

    private func checkKey(_ start: Int) throws(CodecError) {
        guard !builder.needsKey else { throw notText(start) }
    }

    private func notText(_ start: Int) -> CodecError {
        CodecError(.text, "msgpack: a key must be text", at: start)
    }

    @inline(never)
    private func tooMuch(_ header: MessagePackHeader, _ payload: Int, _ start: Int) -> CodecError {
        let what =
            switch header.form {
            case .array: "\(header.claim) elements were claimed"
            case .map: "\(header.claim) pairs were claimed"
            case .fixed: "more elements were claimed"
            case .text, .binary, .ext: "\(header.claim) bytes were claimed"
            }
        return CodecError(.claim, "msgpack: \(what) but only \(bytes.count - payload) bytes are left", at: start)
    }
}
