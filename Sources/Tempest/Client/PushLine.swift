// Pushes on their way to Redis: those of one turn of the event loop to one list go out as one RPUSH. Before it: a job's bytes. After it:
// the level's list, and whoever waits for the acknowledgement.

import NIOCore
import Synchronization
import TempestRedis

/// Gathers pushes. Nothing waits for company: what has come by the time the event loop has its turn goes together.
final class PushLine: Sendable {
    /// Called on an event loop, or from a task, once Redis has the payload or has not taken it.
    typealias End = @Sendable (Result<Void, RedisError>) -> Void

    private struct Waiting {
        var key: String
        var payload: [UInt8]
        var end: End
    }

    private let redis: RedisClient
    private let state = Mutex<[Waiting]>([])

    init(_ redis: RedisClient) { self.redis = redis }

    /// Appends a payload to the list at `key`; fails as ``RedisClient/execute(_:)`` does.
    func push(_ key: String, _ payload: [UInt8], end: @escaping End) {
        let isFirst = state.withLock { waiting in
            waiting.append(Waiting(key: key, payload: payload, end: end))
            return waiting.count == 1
        }
        if isFirst { redis.eventLoop.execute { self.flush() } }
    }

    /// The same, for a task.
    func push(_ key: String, _ payload: [UInt8]) async throws(RedisError) {
        let result = await withCheckedContinuation { continuation in
            push(key, payload) { continuation.resume(returning: $0) }
        }
        try result.get()
    }

    private func flush() {
        let waiting = state.withLock { state in
            defer { state = [] }
            return state
        }
        var (start, bytes) = (0, 0)
        for index in waiting.indices {
            bytes += waiting[index].payload.count
            let isLast = index + 1 == waiting.count || waiting[index + 1].key != waiting[start].key
            if isLast || index + 1 - start == FunctionLibrary.largestBatch || bytes >= FunctionLibrary.moveBytes {
                send(waiting[start...index])
                (start, bytes) = (index + 1, 0)
            }
        }
    }

    private func send(_ batch: ArraySlice<Waiting>) {
        guard let first = batch.first else { return }
        var arguments: [RedisArgument] = []
        arguments.reserveCapacity(batch.count + 2)
        arguments.append("RPUSH")
        arguments.append(.init(first.key))
        for push in batch { arguments.append(.init(push.payload)) }
        let command = RedisCommand(arguments)
        guard let connection = redis.ready else { return patiently(command, batch) }
        connection.send(command).whenComplete { result in
            switch result {
            case .success:
                for push in batch { push.end(.success(())) }
            case .failure(let error as RedisError) where !(error.wasNotSent && error.code == .connectionLost):
                for push in batch { push.end(.failure(error)) }
            case .failure: self.patiently(command, batch)
            }
        }
    }

    /// Without a connection: as long as the client's patience lasts. A task of its own, because nobody here could wait.
    private func patiently(_ command: RedisCommand, _ batch: ArraySlice<Waiting>) {
        Task {
            do throws(RedisError) {
                _ = try await redis.execute(command)
                for push in batch { push.end(.success(())) }
            } catch {
                for push in batch { push.end(.failure(error)) }
            }
        }
    }
}
