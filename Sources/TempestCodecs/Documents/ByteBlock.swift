// Sixteen bytes looked at in one step.
// Used where texts are checked, scanned and copied.

/// Sixteen bytes. Comparing two blocks is one instruction; comparing a block with a single byte is a loop in the standard library of
/// Swift 6.3, which is why constants are blocks, too.
typealias ByteBlock = SIMD16<UInt8>

extension ByteBlock {
    /// The same byte sixteen times.
    @inline(__always)
    static func all(_ byte: UInt8) -> ByteBlock { ByteBlock(repeating: byte) }

    /// The block at an offset.
    @inline(__always)
    static func load(_ start: UnsafeRawPointer, _ offset: Int) -> ByteBlock {
        start.loadUnaligned(fromByteOffset: offset, as: ByteBlock.self)
    }

    /// Whether no byte is 0x80 or more.
    @inline(__always)
    var isASCII: Bool {
        let halves = unsafeBitCast(self, to: SIMD2<UInt64>.self)
        return (halves[0] | halves[1]) & 0x8080_8080_8080_8080 == 0
    }
}

extension SIMDMask<SIMD16<Int8>> {
    /// Whether it is true for no byte.
    @inline(__always)
    var isEmpty: Bool {
        let halves = unsafeBitCast(self, to: SIMD2<UInt64>.self)
        return halves[0] | halves[1] == 0
    }
}
