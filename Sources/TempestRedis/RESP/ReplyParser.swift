// Reads replies out of bytes as they come, with hiredis' reader; a reply may be torn anywhere.
// Fed by the channel handler; what it returns goes to the connection's state machine.

import CHiredis

/// The parser of one connection. After an error it must not be used again: the place in the stream is lost.
struct ReplyParser: ~Copyable {
    private let reader: UnsafeMutablePointer<redisReader>
    private let limit: Int
    /// Bytes that were fed and are not part of a reply that was returned.
    private var unread = 0

    /// - Parameter limit: the most bytes that one reply may take; 512 MiB is what Redis itself keeps to.
    init(limit: Int = 512 * 1024 * 1024) throws(RedisError) {
        guard let reader = tempest_reader_create() else {
            throw RedisError(.protocolError, "there is no memory for another connection to Redis")
        }
        self.reader = reader
        self.limit = limit
    }

    deinit { tempest_reader_free(self.reader) }

    mutating func feed(_ bytes: UnsafeRawBufferPointer) throws(RedisError) {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return }
        guard redisReaderFeed(self.reader, start.assumingMemoryBound(to: CChar.self), bytes.count) == REDIS_OK else {
            throw self.failure()
        }
        self.unread += bytes.count
    }

    /// The next whole reply, or nil when more bytes are needed.
    mutating func next() throws(RedisError) -> RedisReply? {
        var object: UnsafeMutableRawPointer?
        let status = redisReaderGetReply(self.reader, &object)
        guard status == REDIS_OK else { throw self.failure() }
        guard let object else {
            guard self.unread <= self.limit else {
                throw RedisError(.protocolError, "Redis sent a reply of more than \(self.limit) bytes; the connection is closed")
            }
            return nil
        }
        defer { freeReplyObject(object) }
        // What is left in hiredis' buffer belongs to later replies.
        self.unread = Int(self.reader.pointee.len) - Int(self.reader.pointee.pos)
        return try self.copy(object.assumingMemoryBound(to: redisReply.self).pointee)
    }

    private func copy(_ reply: redisReply) throws(RedisError) -> RedisReply {
        switch reply.type {
        case REDIS_REPLY_STRING: return .bytes(Self.bytes(reply))
        case REDIS_REPLY_INTEGER: return .integer(Int64(reply.integer))
        case REDIS_REPLY_NIL: return .null
        case REDIS_REPLY_STATUS: return .status(String(decoding: Self.bytes(reply), as: UTF8.self))
        case REDIS_REPLY_ERROR: return .error(String(decoding: Self.bytes(reply), as: UTF8.self))
        case REDIS_REPLY_ARRAY:
            var elements: [RedisReply] = []
            elements.reserveCapacity(min(Int(reply.elements), 1024))
            for index in 0..<Int(reply.elements) {
                guard let element = reply.element?[index] else {
                    throw RedisError(.protocolError, "Redis sent an array with an element missing; the connection is closed")
                }
                elements.append(try self.copy(element.pointee))
            }
            return .array(elements)
        default:
            throw RedisError(
                .protocolError, "Redis sent a type that RESP2 does not have (\(reply.type)); the connection is closed")
        }
    }

    private static func bytes(_ reply: redisReply) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: reply.str, count: Int(reply.len)))
    }

    private func failure() -> RedisError {
        let text = String(cString: tempest_reader_error(self.reader))
        return RedisError(
            .protocolError, "what came is not the protocol of Redis (\(text)): is another program at that address?")
    }
}
