// Writes a command as RESP bytes with hiredis' formatter.
// Comes before the connection's write buffer; runs on the sender's thread, so that the event loop only copies.

import CHiredis
import NIOCore

enum CommandFormatter {
    /// What Redis takes in one argument by default (proto-max-bulk-len): 512 MiB. We hold whole commands to it.
    static let limit = 512 * 1024 * 1024

    /// - Throws: `.badArgument` when the command is empty or larger than 512 MiB.
    static func format(
        _ command: RedisCommand, allocator: ByteBufferAllocator = ByteBufferAllocator()
    ) throws(RedisError) -> ByteBuffer {
        guard !command.arguments.isEmpty else {
            throw RedisError(.badArgument, "a command needs a name: its list of arguments is empty").unsent
        }
        // All arguments end to end, so that pointers to each can be held at once.
        var flat: [UInt8] = []
        var lengths: [Int] = []
        lengths.reserveCapacity(command.arguments.count)
        for argument in command.arguments {
            let start = flat.count
            switch argument {
            case .text(let text): flat.append(contentsOf: text.utf8)
            case .bytes(let bytes): flat.append(contentsOf: bytes)
            case .integer(let value): flat.append(contentsOf: String(value).utf8)
            }
            lengths.append(flat.count - start)
            guard flat.count <= Self.limit else {
                throw RedisError(.badArgument, "\(command.name) is larger than 512 MiB, which Redis takes at most").unsent
            }
        }
        // An empty array may have no address; hiredis wants one even for empty arguments.
        if flat.isEmpty { flat.append(0) }

        var target: UnsafeMutablePointer<CChar>?
        let written = flat.withUnsafeBufferPointer { bytes -> Int in
            bytes.withMemoryRebound(to: CChar.self) { characters -> Int in
                var pointers: [UnsafePointer<CChar>?] = []
                pointers.reserveCapacity(lengths.count)
                var offset = 0
                for length in lengths {
                    pointers.append(characters.baseAddress.map { $0 + offset })
                    offset += length
                }
                return Int(redisFormatCommandArgv(&target, numericCast(lengths.count), &pointers, &lengths))
            }
        }
        guard let target, written >= 0 else {
            throw RedisError(.badArgument, "\(command.name) could not be written: there is not enough memory for it").unsent
        }
        defer { redisFreeCommand(target) }
        var buffer = allocator.buffer(capacity: written)
        buffer.writeBytes(UnsafeRawBufferPointer(start: target, count: written))
        return buffer
    }
}
