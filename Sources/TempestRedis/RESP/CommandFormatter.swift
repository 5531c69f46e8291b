// Writes a command as RESP bytes, in one pass into one buffer: hiredis' own formatter wants every argument as an array of its own and its
// result copied once more. Comes before the connection's write buffer; runs on the sender's thread, so that the event loop only copies.

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
        var (size, content) = (2 + Self.digits(command.arguments.count) + 1, 0)
        for argument in command.arguments {
            let length = Self.length(argument)
            content += length
            size += 1 + Self.digits(length) + 2 + length + 2
            guard content <= Self.limit else {
                throw RedisError(.badArgument, "\(command.name) is larger than 512 MiB, which Redis takes at most").unsent
            }
        }
        var buffer = allocator.buffer(capacity: size)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { room in
            var writer = RESPWriter(room)
            writer.header(UInt8(ascii: "*"), command.arguments.count)
            for argument in command.arguments { writer.bulk(argument, length: Self.length(argument)) }
            return writer.written
        }
        return buffer
    }

    private static func length(_ argument: RedisArgument) -> Int {
        switch argument {
        case .text(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        case .integer(let value): (value < 0 ? 1 : 0) + Self.digits(value.magnitude)
        }
    }

    private static func digits(_ number: some BinaryInteger) -> Int {
        var (rest, count) = (UInt64(truncatingIfNeeded: number), 1)
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        return count
    }
}

/// Writes into room that was measured before.
private struct RESPWriter {
    private let room: UnsafeMutableRawBufferPointer
    private(set) var written = 0

    init(_ room: UnsafeMutableRawBufferPointer) { self.room = room }

    mutating func bulk(_ argument: RedisArgument, length: Int) {
        header(UInt8(ascii: "$"), length)
        switch argument {
        case .text(var text): text.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
        case .bytes(let bytes): bytes.withUnsafeBytes { copy($0) }
        case .integer(let value):
            if value < 0 { byte(UInt8(ascii: "-")) }
            number(value.magnitude)
        }
        end()
    }

    mutating func header(_ kind: UInt8, _ count: Int) {
        byte(kind)
        number(UInt64(count))
        end()
    }

    private mutating func byte(_ byte: UInt8) {
        room[written] = byte
        written += 1
    }

    private mutating func end() {
        byte(UInt8(ascii: "\r"))
        byte(UInt8(ascii: "\n"))
    }

    private mutating func copy(_ bytes: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: room[written...]).copyMemory(from: bytes)
        written += bytes.count
    }

    /// Decimal digits, from the last to the first.
    private mutating func number(_ value: UInt64) {
        var (rest, start) = (value, written)
        repeat {
            byte(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        var last = written - 1
        while start < last {
            room.swapAt(start, last)
            start += 1
            last -= 1
        }
    }
}
