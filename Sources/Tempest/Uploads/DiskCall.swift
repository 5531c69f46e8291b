// The calls of the file system that are made again when a signal came between. For StoredFile, and the front's folder. They
// block.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

package enum DiskCall {
    /// A descriptor, or -1 and `errno`. Links are not followed, and no other program inherits it.
    package static func opened(_ path: String, _ flags: CInt, mode: UInt32 = 0) -> CInt {
        while true {
            let descriptor = open(path, flags | O_NOFOLLOW | O_CLOEXEC, mode_t(mode))
            if descriptor >= 0 || errno != EINTR { return descriptor }
        }
    }

    /// How many bytes were read from an offset on; -1 and `errno`.
    package static func read(_ descriptor: CInt, into bytes: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        while true {
            let count = pread(descriptor, bytes.baseAddress, bytes.count, off_t(offset))
            if count >= 0 || errno != EINTR { return count }
        }
    }

    /// Writes all bytes; false and `errno`.
    package static func wrote(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let some = UnsafeRawBufferPointer(rebasing: rest)
            let count = write(descriptor, some.baseAddress, some.count)
            if count < 0 {
                if errno == EINTR { continue }
                return false
            }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
