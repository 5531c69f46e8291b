// Up to eight bytes looked at in one step.
// Used where texts are checked, compared and copied; longer ones go sixteen at a step (ByteBlock).

/// Eight bytes as a number, the first in the lowest byte.
enum ByteWord {
    /// The next `count` bytes, 1 to 7; the rest is zero. No byte after them is touched.
    @inline(__always)
    static func load(_ start: UnsafeRawPointer, _ count: Int) -> UInt64 {
        if count >= 4 {
            let first = UInt64(start.loadUnaligned(as: UInt32.self))
            let last = UInt64(start.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
            return first | last &<< UInt64(truncatingIfNeeded: 8 &* (count &- 4))
        }
        let first = UInt64(start.load(as: UInt8.self))
        let middle = UInt64(start.load(fromByteOffset: count >> 1, as: UInt8.self))
        let last = UInt64(start.load(fromByteOffset: count &- 1, as: UInt8.self))
        let low = first | middle &<< UInt64(truncatingIfNeeded: 8 &* (count >> 1))
        return low | last &<< UInt64(truncatingIfNeeded: 8 &* (count &- 1))
    }
}
