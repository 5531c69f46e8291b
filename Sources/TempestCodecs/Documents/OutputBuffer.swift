// The bytes of a document in the making: what the writers of this package share.
// Before it: tokens. After it: the array that goes to Redis.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Bytes written through a pointer: room is asked for once a token, not once a byte, and nobody is asked whether the bytes are shared.
///
/// Copies share their bytes until one of them needs more room: only one of them may go on writing.
struct OutputBuffer {
    /// A block that was outgrown, or nil.
    private struct Block {
        var base: UnsafeMutablePointer<UInt8>?
    }

    /// Owns the memory, whichever way the writer goes: its own kilobyte at first, a block of the C library after that.
    private final class Room: ManagedBuffer<Block, UInt8> {
        static let capacity = 1024

        static func make() -> Room {
            unsafeDowncast(create(minimumCapacity: capacity) { _ in Block(base: nil) }, to: Room.self)
        }

        deinit { free(header.base) }

        /// Makes place for more, and takes along what there is. Large blocks are moved by the kernel, without a copy: an array could not.
        func grow(to capacity: Int, from base: UnsafeMutablePointer<UInt8>, _ count: Int) -> UnsafeMutablePointer<UInt8> {
            let isOwn = header.base == base
            guard let block = realloc(isOwn ? base : nil, capacity) else { fatalError("out of memory") }
            let larger = block.assumingMemoryBound(to: UInt8.self)
            if !isOwn { larger.initialize(from: base, count: count) }
            header.base = larger
            return larger
        }
    }

    /// nil as long as the bytes fit the memory that the buffer was given.
    private var room: Room?
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// Bytes written so far.
    private(set) var count = 0

    init() {
        let room = Room.make()
        capacity = Room.capacity
        base = room.withUnsafeMutablePointerToElements { $0 }
        self.room = room
    }

    /// Begins in somebody else's memory, which must be there as long as the buffer is: never where a program gets hold of it.
    init(_ small: UnsafeMutableBufferPointer<UInt8>) {
        guard let base = small.baseAddress else { preconditionFailure("an allocation without an address") }
        self.base = base
        capacity = small.count
    }

    /// Where the bytes begin, until more are written.
    var start: UnsafeRawPointer { UnsafeRawPointer(base) }

    /// Calls the body with room for `most` bytes; it hands out how many it wrote.
    @inline(__always)
    mutating func write(upTo most: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) {
        if count &+ most > capacity { grow(most) }
        count &+= body(base + count)
    }

    /// Appends a byte.
    @inline(__always)
    mutating func append(_ byte: UInt8) {
        if count == capacity { grow(1) }
        base[count] = byte
        count &+= 1
    }

    /// Appends a word.
    @inline(__always)
    mutating func append(_ word: StaticString) {
        write(upTo: word.utf8CodeUnitCount) {
            $0.initialize(from: word.utf8Start, count: word.utf8CodeUnitCount)
            return word.utf8CodeUnitCount
        }
    }

    /// Appends bytes.
    @inline(__always)
    mutating func append(_ raw: UnsafeRawBufferPointer) {
        guard let start = raw.baseAddress else { return }
        write(upTo: raw.count) {
            UnsafeMutableRawPointer($0).copyMemory(from: start, byteCount: raw.count)
            return raw.count
        }
    }

    /// Inserts a byte before others.
    mutating func insert(_ byte: UInt8, at place: Int) {
        append(byte)
        overwrite(place, count - place) { bytes in
            UnsafeMutableRawPointer(bytes + 1).copyMemory(from: bytes, byteCount: count - 1 - place)
            bytes.pointee = byte
        }
    }

    /// Calls the body with bytes that were written before.
    @inline(__always)
    func overwrite(_ start: Int, _ length: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Void) {
        precondition(start >= 0 && length >= 0 && start + length <= count, "bytes that were never written")
        body(base + start)
    }

    /// Calls the body with the bytes so far; it hands out how many of them are left.
    mutating func rewrite(_ body: (UnsafeMutableRawBufferPointer) -> Int) {
        let left = body(UnsafeMutableRawBufferPointer(start: base, count: count))
        precondition(left <= count, "bytes that were never written")
        count = left
    }

    /// The bytes that were written.
    func finish() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        bytes.append(contentsOf: UnsafeBufferPointer(start: base, count: count))
        return bytes
    }

    /// Destroys nothing: a room that this buffer leaves has another owner. The attribute spares a retain for each text that is written; it would
    /// also let the compiler leave out that of a copy of the buffer, which is why nothing in this package copies one and goes on with both.
    @inline(never)
    @_effects(releasenone)
    private mutating func grow(_ most: Int) {
        let larger = max(capacity * 2, count + most)
        // A copy of this buffer may still point into the room: it keeps that, and this one takes another.
        if room == nil || !isKnownUniquelyReferenced(&room) {
            let other = Room.make()
            base = other.grow(to: larger, from: base, count)
            room = other
        } else if let room {
            base = room.grow(to: larger, from: base, count)
        }
        capacity = larger
    }
}
