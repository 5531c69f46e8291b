// libmsgpack's objects to a document. It unpacks a tree into a zone of memory that is freed at the end; strings stay in the input.

import CMessagePack

struct MessagePackReader {
    /// libmsgpack keeps a stack of 32 (MSGPACK_EMBED_STACK_SIZE) and gives up beyond it.
    private static let stack = 30

    private let input: UnsafeRawBufferPointer

    init(_ input: UnsafeRawBufferPointer) { self.input = input }

    /// Reads a document that ``MessagePackScan`` has found sound; `depth` is what it returned.
    func read(into builder: inout DocumentBuilder, depth: Int) throws(CodecError) {
        if depth <= Self.stack {
            try unpack(0..<input.count, into: &builder)
        } else {
            try readByHeaders(into: &builder)
        }
    }

    /// Deeper than libmsgpack can: containers are opened here, and only scalars are its.
    private func readByHeaders(into builder: inout DocumentBuilder) throws(CodecError) {
        let scan = MessagePackScan(input, limits: Limits(depth: .max, values: .max, bytes: .max))
        var index = 0
        var open: [Int] = []
        repeat {
            let header = try scan.header(at: index)
            if !open.isEmpty { open[open.count - 1] -= 1 }
            switch header.shape {
            case .scalar: try unpack(index..<index + header.size, into: &builder)
            case .array:
                try builder.beginArray(at: index)
                open.append(header.count)
            case .map:
                try builder.beginMap(at: index)
                open.append(2 * header.count)
            }
            index += header.size
            while open.last == 0 {
                try builder.end(at: index)
                open.removeLast()
            }
        } while !open.isEmpty
    }

    private func unpack(_ range: Range<Int>, into builder: inout DocumentBuilder) throws(CodecError) {
        var unpacked = msgpack_unpacked()
        msgpack_unpacked_init(&unpacked)
        defer { msgpack_unpacked_destroy(&unpacked) }
        var offset = 0
        let start = input.baseAddress.unsafelyUnwrapped.advanced(by: range.lowerBound).assumingMemoryBound(to: CChar.self)
        let result = msgpack_unpack_next(&unpacked, start, range.count, &offset)
        guard result == MSGPACK_UNPACK_SUCCESS else {
            throw CodecError(.syntax, "libmsgpack refuses it (code \(result.rawValue))", at: range.lowerBound)
        }
        try append(unpacked.data, &builder, range.lowerBound)
    }

    /// Recursion no deeper than `stack`. `place` is the nearest known byte, for errors.
    private func append(_ object: msgpack_object, _ builder: inout DocumentBuilder, _ place: Int) throws(CodecError) {
        switch object.type {
        case MSGPACK_OBJECT_NIL: try builder.null(at: place)
        case MSGPACK_OBJECT_BOOLEAN: try builder.bool(object.via.boolean, at: place)
        case MSGPACK_OBJECT_POSITIVE_INTEGER: try builder.uint(object.via.u64, at: place)
        case MSGPACK_OBJECT_NEGATIVE_INTEGER: try builder.int(object.via.i64, at: place)
        case MSGPACK_OBJECT_FLOAT32, MSGPACK_OBJECT_FLOAT64: try builder.double(object.via.f64, at: place)
        case MSGPACK_OBJECT_STR:
            let range = range(object.via.str.ptr, object.via.str.size, place)
            try builder.text(range, at: range.lowerBound)
        case MSGPACK_OBJECT_BIN:
            let range = range(object.via.bin.ptr, object.via.bin.size, place)
            // Ruby packs ASCII-8BIT keys so.
            if builder.wantsKey {
                try builder.text(range, at: range.lowerBound)
            } else {
                try builder.binary(range, at: range.lowerBound)
            }
        case MSGPACK_OBJECT_EXT:
            let range = range(object.via.ext.ptr, object.via.ext.size, place)
            try builder.ext(type: object.via.ext.type, range, at: range.lowerBound)
        case MSGPACK_OBJECT_ARRAY:
            try builder.beginArray(at: place)
            for index in 0..<Int(object.via.array.size) { try append(object.via.array.ptr[index], &builder, place) }
            try builder.end(at: place)
        case MSGPACK_OBJECT_MAP:
            try builder.beginMap(at: place)
            for index in 0..<Int(object.via.map.size) {
                let member = object.via.map.ptr[index]
                try append(member.key, &builder, place)
                try append(member.val, &builder, place)
            }
            try builder.end(at: place)
        default: throw CodecError(.syntax, "libmsgpack returned an unknown type (\(object.type.rawValue))", at: place)
        }
    }

    /// Where bytes that libmsgpack points to stand in the input.
    private func range(_ pointer: UnsafePointer<CChar>?, _ size: UInt32, _ place: Int) -> Range<Int> {
        guard size > 0, let pointer, let base = input.baseAddress else { return place..<place }
        let start = UnsafeRawPointer(pointer) - base
        return start..<start + Int(size)
    }
}
