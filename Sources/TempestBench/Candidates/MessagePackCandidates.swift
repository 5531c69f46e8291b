// libmsgpack, the C library, as a reference: its tree and its packer, without checks of UTF-8, keys or limits.
// Before it: a payload's MessagePack. After it: Rounds.

import CMessagePack

/// libmsgpack in this process.
enum MessagePackCandidates {
    static let maker = "libmsgpack"

    /// Its version.
    static var version: String { String(cString: msgpack_version()) }

    /// The candidates; `bytes`: the payload in MessagePack.
    static func all(_ bytes: [UInt8]) throws -> [Candidate] {
        let source = Source(bytes)
        let tree = try Tree(source)
        return [
            Candidate(CandidateKey(maker, "msgpack", .value, .decode), bytes: bytes.count) {
                try withExtendedLifetime(Tree(source)) { Int($0.root.type.rawValue) }
            },
            Candidate(CandidateKey(maker, "msgpack", .value, .encode), bytes: bytes.count) { try tree.packed() },
        ]
    }

    /// Bytes that stay where they are: the tree's strings point into them.
    private final class Source {
        let bytes: UnsafeMutableBufferPointer<CChar>

        init(_ bytes: [UInt8]) {
            self.bytes = .allocate(capacity: bytes.count)
            _ = self.bytes.initialize(from: bytes.lazy.map { CChar(bitPattern: $0) })
        }

        deinit { bytes.deallocate() }
    }

    /// What msgpack_unpack made of some bytes.
    private final class Tree {
        private let source: Source
        private let zone: UnsafeMutablePointer<msgpack_zone>
        let root: msgpack_object

        init(_ source: Source) throws {
            guard let zone = msgpack_zone_new(8192) else { throw BenchError("libmsgpack: no memory") }
            var root = msgpack_object()
            let result = msgpack_unpack(source.bytes.baseAddress, source.bytes.count, nil, zone, &root)
            guard result == MSGPACK_UNPACK_SUCCESS else {
                msgpack_zone_free(zone)
                throw BenchError("libmsgpack does not read it (\(result.rawValue)): it takes 32 levels at most")
            }
            (self.source, self.zone, self.root) = (source, zone, root)
        }

        deinit { msgpack_zone_free(zone) }

        /// Packs it; the size.
        func packed() throws -> Int {
            var buffer = msgpack_sbuffer()
            msgpack_sbuffer_init(&buffer)
            defer { msgpack_sbuffer_destroy(&buffer) }
            return try withUnsafeMutablePointer(to: &buffer) { buffer in
                var packer = msgpack_packer()
                msgpack_packer_init(&packer, buffer) { data, bytes, count in msgpack_sbuffer_write(data, bytes, count) }
                guard msgpack_pack_object(&packer, root) == 0 else { throw BenchError("libmsgpack does not write it") }
                return buffer.pointee.size
            }
        }
    }
}
