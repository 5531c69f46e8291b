// How small the bytes become when they are compressed, as a proxy or a disk would, and what that costs.
// Before it: encoded payloads. After it: the table of sizes, and candidates of Rounds.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A library of the system that compresses. Looked up while the program runs: a system without it has one column less.
struct Compressor: Sendable {
    /// With its level: `gzip -6`.
    let name: String
    private let most: @Sendable (Int) -> Int
    /// From the second into the first; how many bytes were written, nil for an error.
    private let write: @Sendable (UnsafeMutableRawBufferPointer, UnsafeRawBufferPointer) -> Int?

    /// The compressed bytes' count; nil for an error.
    func size(_ bytes: [UInt8]) -> Int? {
        withUnsafeTemporaryAllocation(byteCount: most(bytes.count), alignment: 16) { room in
            bytes.withUnsafeBytes { write(room, $0) }
        }
    }

    /// Those that are there.
    static let all: [Compressor] = [gzip, zstd].compactMap { $0 }

    private static let gzip: Compressor? = {
        typealias Compress =
            @convention(c) (
                UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<CUnsignedLong>?, UnsafePointer<UInt8>?, CUnsignedLong, CInt
            ) -> CInt
        typealias Bound = @convention(c) (CUnsignedLong) -> CUnsignedLong
        guard let library = open("libz.so.1", "libz.dylib"), let compress = symbol("compress2", library, Compress.self),
            let bound = symbol("compressBound", library, Bound.self)
        else { return nil }
        // What gzip's head and tail have more than zlib's.
        let frame = 12
        return Compressor(name: "gzip -6", most: { Int(bound(CUnsignedLong($0))) }) { room, bytes in
            var count = CUnsignedLong(room.count)
            let code = compress(
                room.baseAddress?.assumingMemoryBound(to: UInt8.self), &count,
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), CUnsignedLong(bytes.count), 6)
            return code == 0 ? Int(count) + frame : nil
        }
    }()

    private static let zstd: Compressor? = {
        typealias Compress = @convention(c) (UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int, CInt) -> Int
        typealias Bound = @convention(c) (Int) -> Int
        typealias IsError = @convention(c) (Int) -> CUnsignedInt
        guard let library = open("libzstd.so.1", "libzstd.dylib"), let compress = symbol("ZSTD_compress", library, Compress.self),
            let bound = symbol("ZSTD_compressBound", library, Bound.self),
            let isError = symbol("ZSTD_isError", library, IsError.self)
        else { return nil }
        return Compressor(name: "zstd -3", most: { bound($0) }) { room, bytes in
            let count = compress(room.baseAddress, room.count, bytes.baseAddress, bytes.count, 3)
            return isError(count) == 0 ? count : nil
        }
    }()

    private static func open(_ names: String...) -> UnsafeMutableRawPointer? {
        names.lazy.compactMap { dlopen($0, RTLD_NOW | RTLD_LOCAL) }.first
    }

    private static func symbol<F>(_ name: String, _ library: UnsafeMutableRawPointer, _: F.Type) -> F? {
        dlsym(library, name).map { unsafeBitCast($0, to: F.self) }
    }
}
