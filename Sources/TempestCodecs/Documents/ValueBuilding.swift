// Values copied out of a tape.
// Before it: a reader that has just finished, or a Node. After it: what handlers of untyped arguments see.

extension TapeView {
    /// The value at an index, which goes on to the next. As deep as the document, which holds to the limit.
    func takeValue(_ index: inout Int) -> Value {
        let entry = entries[index]
        index &+= 1
        switch entry.kind {
        case .text: return .text(string(entry))
        case .int: return .int(Int64(bitPattern: entry.payload))
        case .double: return .double(Double(bitPattern: entry.payload))
        case .bool: return .bool(entry.payload != 0)
        case .null: return .null
        case .map: return .map(takeMap(entry.low, &index))
        case .array: return .array(takeArray(entry.low, &index))
        case .uint: return .uint(entry.payload)
        case .binary: return .binary([UInt8](bytes(entry)))
        case .ext: return .ext(type: entry.type, data: [UInt8](bytes(entry)))
        }
    }

    private func takeArray(_ count: Int, _ index: inout Int) -> [Value] {
        var elements: [Value] = []
        elements.reserveCapacity(count)
        for _ in 0..<count { elements.append(takeValue(&index)) }
        return elements
    }

    private func takeMap(_ count: Int, _ index: inout Int) -> ValueMap {
        var pairs: [ValueMap.Pair] = []
        pairs.reserveCapacity(count)
        for _ in 0..<count {
            let key = string(entries[index])
            index &+= 1
            pairs.append(ValueMap.Pair(key: key, value: takeValue(&index)))
        }
        return ValueMap(unique: pairs)
    }
}
