// Arrays and dictionaries as the decoder and the recorder go through them themselves.
// Before it: CodingShape, which has found that a type is one. After it: the same as the standard library's Codable, and its errors.

extension Array: NodeCollection where Element: Decodable {
    static func decode(_ decoder: NodeDecoder, into place: UnsafeMutableRawPointer) throws {
        let entry = decoder.entry
        guard entry.kind == .array else { throw decoder.mismatch([Any].self, "array") }
        var elements: [Element] = []
        // An element takes a byte of the document at least, and may be far larger as a value.
        elements.reserveCapacity(Swift.min(entry.low, 4096))
        var child = decoder.index + 1
        while child < entry.high {
            elements.append(try NodeDecoder(context: decoder.context, index: child).decode(Element.self))
            child = decoder.view.next(child)
        }
        place.initializeMemory(as: [Element].self, to: elements)
    }
}

extension Dictionary: NodeCollection where Key: Decodable, Value: Decodable {
    static func decode(_ decoder: NodeDecoder, into place: UnsafeMutableRawPointer) throws {
        guard Key.self == String.self else {
            place.initializeMemory(as: Self.self, to: try Self(from: decoder))
            return
        }
        let entry = decoder.entry
        guard entry.kind == .map else { throw decoder.mismatch([String: Any].self, "map") }
        try decoder.checkKeys()
        var pairs: [String: Value] = [:]
        pairs.reserveCapacity(Swift.min(entry.low, 4096))
        var key = decoder.index + 1
        while key < entry.high {
            let name = decoder.view.string(decoder.view.entries[key])
            pairs[name] = try NodeDecoder(context: decoder.context, index: key + 1).decode(Value.self)
            key = decoder.view.next(key + 1)
        }
        place.initializeMemory(as: [String: Value].self, to: pairs)
    }
}

extension Array: RecordedCollection where Element: Encodable {
    static func record(_ place: UnsafeRawPointer, in recorder: Recorder) throws {
        let array = place.assumingMemoryBound(to: [Element].self)
        try recorder.encode(array.pointee, opening: .array) {
            let elements = array.pointee.span
            for place in elements.indices { try recorder.encode(elements[place]) }
        }
    }
}

extension Dictionary: RecordedCollection where Key: Encodable, Value: Encodable {
    static func record(_ place: UnsafeRawPointer, in recorder: Recorder) throws {
        guard Key.self == String.self else {
            return try recorder.encodeByItself(place.assumingMemoryBound(to: Self.self).pointee)
        }
        let pairs = place.assumingMemoryBound(to: [String: Value].self)
        try recorder.encode(pairs.pointee, opening: .map) {
            for (key, value) in pairs.pointee {
                try recorder.key(named: key)
                try recorder.encode(value)
            }
        }
    }
}
