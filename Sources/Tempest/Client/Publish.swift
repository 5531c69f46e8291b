// Events for browsers: what is published on a channel comes to those that follow it at a front, and is kept for those that come back.
// The other way out of a program: a push goes to one worker, an event to everybody who listens.

import Synchronization
import TempestCodecs
import TempestProtocol
import TempestRedis

/// What became of an event.
public struct Publication: Sendable, Hashable {
    /// Its id in the channel's history; nil: it was not kept.
    public let id: String?
    /// How many heard it at once. A front is one, however many browsers follow the channel there.
    public let heard: Int
}

extension TempestClient {
    /// Messages of a channel that are kept when nothing else is said.
    public static let keptEvents = 100

    /// Publishes an event on a channel: `GET /sub/<channel>` at a front of the same database.
    ///
    /// - Parameters:
    ///   - channel: 1 to 128 of `A-Z a-z 0-9 _ . : -`.
    ///   - event: what browsers know it by (`addEventListener`); nil: `message`. No CR, LF or NUL.
    ///   - data: text is sent as it is, anything else as JSON. A front drops events of more than 256 KiB.
    ///   - keep: how many of the channel's messages are kept, this one among them, for browsers that come back; 0 to 100,000. They are
    ///     kept for a day after the last. 0: this one is not kept.
    /// - Throws: ``NameError`` for a channel or event that is not allowed; an encoding error for data that JSON cannot carry;
    ///   ``RedisError``: with `.connectionLost` it may or may not have been published.
    @discardableResult
    public func publish(
        channel: String, event: String? = nil, data: some Encodable, keep: Int = keptEvents
    ) async throws -> Publication {
        let name = try ChannelName(channel)
        let event = event ?? ""
        try ChannelName.checkEvent(event)
        var message = TokenBuffer()
        try message.beginArray(count: 2)
        try message.text(event)
        try message.record(data)
        try message.endArray()
        return try await publish(JSONCodec().encode(message, limits: options.limits), on: name, keep: keep)
    }

    /// Ends the streams of all who follow a channel now: they get the event `end`.
    @discardableResult
    public func endStreams(channel: String) async throws -> Publication {
        try await publish(Array(#"["$unsubscribe"]"#.utf8), on: ChannelName(channel), keep: 0)
    }

    private func publish(_ message: [UInt8], on channel: ChannelName, keep: Int) async throws -> Publication {
        let database = redis.configuration.database
        if database != 0 { try await ensureLibrary() }
        let reply = try await FunctionLoader.call(
            .fcall(
                FunctionLibrary.publish, key: Keys.history(channel),
                [.init(channel.description), .init(keep), .init(message), .init(database)]), on: redis)
        guard let parts = reply.array, parts.count == 2, let heard = parts[1].integer else {
            throw RedisError(
                .protocolError, "Redis answered \(FunctionLibrary.publish) with something else than an id and a number")
        }
        let id = parts[0].string ?? ""
        return Publication(id: id.isEmpty ? nil : id, heard: Int(heard))
    }

    /// An earlier library would publish where the fronts of database 0 listen, and those of this one do not: it is looked for once.
    private func ensureLibrary() async throws(RedisError) {
        guard !hasLibrary.load(ordering: .relaxed) else { return }
        try await FunctionLoader.ensure(on: redis)
        hasLibrary.store(true, ordering: .relaxed)
    }
}
