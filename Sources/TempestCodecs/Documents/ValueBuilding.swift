// Values copied out of a tape.
// Before it: a reader that has just finished, or a Node. After it: what handlers of untyped arguments see.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// How far the values of a tape have been taken.
struct ValueCursor {
    /// The entry that is taken next.
    var index: Int
    /// The first entry whose memory is still there.
    private var kept = 0
    /// Where memory is given back again; `Int.max`: never, because the tape is somebody's, or small.
    private var next: Int

    /// Takes from an index of a tape that stays.
    init(at index: Int) {
        self.index = index
        next = .max
    }

    /// Takes everything from a tape that nobody needs any more. The memory of a large one is given back meanwhile, so that there is never
    /// all of the tape and all of the value.
    init(consuming entries: Int) {
        index = 0
        next = entries > Self.step ? Self.step : .max
    }

    /// A megabyte of entries.
    private static let step = 65_536

    /// Gives back what lies behind, if it is much.
    @inline(__always)
    mutating func giveBack(_ entries: UnsafePointer<Entry>) {
        if index >= next { release(entries) }
    }

    @inline(never)
    private mutating func release(_ entries: UnsafePointer<Entry>) {
        #if os(Linux)
        // Whole pages, whatever their size here.
        let page: UInt = 65_536
        let first = (UInt(bitPattern: entries + kept) + page - 1) / page * page
        let end = UInt(bitPattern: entries + index) / page * page
        if end > first, let start = UnsafeMutableRawPointer(bitPattern: first) {
            _ = madvise(start, Int(end - first), Int32(MADV_DONTNEED))
        }
        #endif
        kept = index
        next = index + Self.step
    }
}

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
        case .map: return .map(takeMap(entry.low, &cursor))
        case .array: return .array(takeArray(entry.low, &cursor))
        case .uint: return .uint(entry.payload)
        case .binary: return .binary([UInt8](bytes(entry)))
        case .ext: return .ext(type: entry.type, data: [UInt8](bytes(entry)))
        }
    }

    /// Small arrays are literals: memory for a literal is had at once, where an array that is told its capacity asks for its own type
    /// first, which took a tenth of the time of small documents.
    private func takeArray(_ count: Int, _ cursor: inout ValueCursor) -> [Value] {
        defer { cursor.giveBack(entries) }
        switch count {
        case 0: return []
        case 1: return [takeValue(&cursor)]
        case 2: return [takeValue(&cursor), takeValue(&cursor)]
        case 3: return [takeValue(&cursor), takeValue(&cursor), takeValue(&cursor)]
        case 4: return [takeValue(&cursor), takeValue(&cursor), takeValue(&cursor), takeValue(&cursor)]
        case 5:
            return [takeValue(&cursor), takeValue(&cursor), takeValue(&cursor), takeValue(&cursor), takeValue(&cursor)]
        default:
            var elements: [Value] = []
            elements.reserveCapacity(count)
            for _ in 0..<count {
                elements.append(takeValue(&cursor))
                cursor.giveBack(entries)
            }
            return elements
        }
    }

    private func takeMap(_ count: Int, _ cursor: inout ValueCursor) -> ValueMap {
        defer { cursor.giveBack(entries) }
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
            var pairs: [ValueMap.Pair] = []
            pairs.reserveCapacity(count)
            for _ in 0..<count {
                pairs.append(takePair(&cursor))
                cursor.giveBack(entries)
            }
            return ValueMap(unique: pairs)
        }
    }

    @inline(never)
    private func takePair(_ cursor: inout ValueCursor) -> ValueMap.Pair {
        let key = string(entries[cursor.index])
        cursor.index &+= 1
        return ValueMap.Pair(key: key, value: takeValue(&cursor))
    }
}
