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

    private func takeArray(_ count: Int, _ cursor: inout ValueCursor) -> [Value] {
        var elements: [Value] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            elements.append(takeValue(&cursor))
            cursor.giveBack(entries)
        }
        return elements
    }

    private func takeMap(_ count: Int, _ cursor: inout ValueCursor) -> ValueMap {
        var pairs: [ValueMap.Pair] = []
        pairs.reserveCapacity(count)
        for _ in 0..<count {
            let key = string(entries[cursor.index])
            cursor.index &+= 1
            pairs.append(ValueMap.Pair(key: key, value: takeValue(&cursor)))
            cursor.giveBack(entries)
        }
        return ValueMap(unique: pairs)
    }
}
