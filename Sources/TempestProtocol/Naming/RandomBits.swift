// Random bits for identifiers, fetched from the system many at a time: for each identifier a call of the system would be the dearest part
// of a push. Not for secrets, which are not kept in memory before they are needed (RandomToken).

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

package enum RandomBits {
    /// Bits that nobody has had.
    private struct Pool {
        var numbers: [UInt128] = []

        mutating func refill() {
            #if canImport(Glibc) || canImport(Musl)
            var numbers = [UInt128](repeating: 0, count: 16)
            // At most 256 bytes a call (getentropy(3)).
            if numbers.withUnsafeMutableBytes({ getentropy($0.baseAddress, $0.count) }) == 0 {
                self.numbers = numbers
                return
            }
            #endif
            var generator = SystemRandomNumberGenerator()
            numbers = [UInt128(generator.next()) << 64 | UInt128(generator.next())]
        }
    }

    private static let pool = Mutex(Pool())

    /// 128 bits.
    package static func next() -> UInt128 {
        pool.withLock { pool in
            if pool.numbers.isEmpty { pool.refill() }
            return pool.numbers.removeLast()
        }
    }
}
