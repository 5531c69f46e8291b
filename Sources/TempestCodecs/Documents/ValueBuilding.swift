// Values copied out of a tape.
// Before it: a reader, a Node or a recording. After it: what handlers of untyped arguments see.

extension TapeView {
    /// The next value. As deep as the document, which holds to the limit.
    func takeValue(_ cursor: inout ValueCursor) -> Value {
        let entry = entries[cursor.index]
        cursor.index &+= 1
        switch entry.kind {
        case .text: return .text(string(entry))
        case .int: return .int(Int64(bitPattern: entry.payload))
        case .double: return .double(Double(bitPattern: entry.payload))
        case .bool: return .bool(entry.payload != 0)
        case .null: return .null
        case .map:
            if entry.flags & Entry.isBegun != 0 { return .map(takeRest(ofMap: entry, &cursor)) }
            return .map(takeMap(entry.low, &cursor))
        case .array:
            if entry.flags & Entry.isBegun != 0 { return .array(takeRest(ofArray: entry, &cursor)) }
            return .array(takeArray(entry.low, &cursor))
        case .uint: return .uint(entry.payload)
        case .binary: return .binary([UInt8](bytes(entry)))
        case .ext: return .ext(type: entry.type, data: [UInt8](bytes(entry)))
        }
    }

    /// Small arrays are literals: memory for a literal is had at once, where an array that is told its capacity asks for its own type
    /// first, which took a tenth of the time of small documents.
    private func takeArray(_ count: Int, _ cursor: inout ValueCursor) -> [Value] {
        switch count {
        case 0: return []
        case 1: return [takeValue(&cursor)]
        case 2: return [takeValue(&cursor), takeValue(&cursor)]
        case 3: return [takeValue(&cursor), takeValue(&cursor), takeValue(&cursor)]
        case 4: return [takeValue(&cursor), takeValue(&cursor), takeValue(&cursor), takeValue(&cursor)]
        case 5:
            return [takeValue(&cursor), takeValue(&cursor), takeValue(&cursor), takeValue(&cursor), takeValue(&cursor)]
        default:
            return [Value](unsafeUninitializedCapacity: count) { room, made in
                for place in 0..<count { room.initializeElement(at: place, to: takeValue(&cursor)) }
                made = count
            }
        }
    }

    private func takeMap(_ count: Int, _ cursor: inout ValueCursor) -> ValueMap {
        switch count {
        case 0: return ValueMap()
        case 1: return ValueMap(unique: [takePair(&cursor)])
        case 2: return ValueMap(unique: [takePair(&cursor), takePair(&cursor)])
        case 3: return ValueMap(unique: [takePair(&cursor), takePair(&cursor), takePair(&cursor)])
        case 4: return ValueMap(unique: [takePair(&cursor), takePair(&cursor), takePair(&cursor), takePair(&cursor)])
        case 5:
            return ValueMap(unique: [
                takePair(&cursor), takePair(&cursor), takePair(&cursor), takePair(&cursor), takePair(&cursor),
            ])
        case 6:
            return ValueMap(unique: [
                takePair(&cursor), takePair(&cursor), takePair(&cursor), takePair(&cursor), takePair(&cursor), takePair(&cursor),
            ])
        case 7:
            return ValueMap(unique: [
                takePair(&cursor), takePair(&cursor), takePair(&cursor), takePair(&cursor), takePair(&cursor), takePair(&cursor),
                takePair(&cursor),
            ])
        case 8:
            return ValueMap(unique: [
                takePair(&cursor), takePair(&cursor), takePair(&cursor), takePair(&cursor), takePair(&cursor), takePair(&cursor),
                takePair(&cursor), takePair(&cursor),
            ])
        default:
            return ValueMap(
                unique: [ValueMap.Pair](unsafeUninitializedCapacity: count) { room, made in
                    for place in 0..<count { room.initializeElement(at: place, to: takePair(&cursor)) }
                    made = count
                })
        }
    }

    @inline(never)
    func takePair(_ cursor: inout ValueCursor) -> ValueMap.Pair {
        let entry = entries[cursor.index]
        cursor.index &+= 1
        let key =
            entry.low <= SmallText.longest
            ? string(entry)
            : cursor.longKeys.string(start(entry), count: entry.low, isASCII: entry.flags & Entry.isASCII != 0)
        return ValueMap.Pair(key: key, value: takeValue(&cursor))
    }
}
