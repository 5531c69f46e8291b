// Makes sure that a server has the function library. Before it: a fresh connection. After it: hello, or listen.

package import NIOCore
import TempestProtocol
package import TempestRedis

package enum FunctionLoader {
    /// Loads the library if it is missing or older than ours; a newer one of the same major version is kept.
    ///
    /// Fails with ``RedisError``: `.permission` when the user may not load it, `.tooOld` without FUNCTION.
    package static func ensure(on connection: RedisConnection) -> EventLoopFuture<Void> {
        connection.send(["FCALL", .init(FunctionLibrary.revisionName), "0"])
            .map { $0.integer ?? 0 }
            .flatMapErrorThrowing { error in
                guard let error = error as? RedisError, error.code == .noFunction else { throw error }
                return 0
            }
            .flatMap { revision in
                if revision >= FunctionLibrary.revision { return connection.eventLoop.makeSucceededVoidFuture() }
                return connection.send(["FUNCTION", "LOAD", "REPLACE", .init(FunctionLibrary.source)]).map { _ in }
            }
    }

    /// The same by the client's shared connection, for as long as its patience lasts.
    package static func ensure(on client: RedisClient) async throws(RedisError) {
        let connection = try await client.connection(until: client.patienceEnds)
        do {
            try await ensure(on: connection).get()
        } catch {
            throw error as? RedisError ?? RedisError(.connectionLost, "\(error)")
        }
    }

    /// Runs a function, and once more after loading the library if the server does not know it (FUNCTION FLUSH, a failover).
    package static func call(_ command: RedisCommand, on client: RedisClient) async throws(RedisError) -> RedisReply {
        do {
            return try await client.execute(command)
        } catch  where error.code == .noFunction {
            try await ensure(on: client)
            return try await client.execute(command)
        }
    }

    /// Runs many functions together, and those once more that the server did not know. Each may fail for itself.
    package static func call(
        _ commands: [RedisCommand], on client: RedisClient
    ) async throws(RedisError) -> [Result<RedisReply, RedisError>] {
        guard !commands.isEmpty else { return [] }
        var results = try await client.execute(commands)
        let unknown = results.indices.filter {
            if case .failure(let error) = results[$0] { error.code == .noFunction } else { false }
        }
        guard !unknown.isEmpty else { return results }
        try await ensure(on: client)
        for (place, result) in zip(unknown, try await client.execute(unknown.map { commands[$0] })) { results[place] = result }
        return results
    }
}
