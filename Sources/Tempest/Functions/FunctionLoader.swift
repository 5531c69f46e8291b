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

    /// Runs a function, and once more after loading the library if the server does not know it (FUNCTION FLUSH, a failover).
    package static func call(_ command: RedisCommand, on client: RedisClient) async throws(RedisError) -> RedisReply {
        do {
            return try await client.execute(command)
        } catch  where error.code == .noFunction {
            do {
                try await client.connection().flatMap { ensure(on: $0) }.get()
            } catch {
                throw error as? RedisError ?? RedisError(.connectionLost, "\(error)")
            }
            return try await client.execute(command)
        }
    }
}
