// Ends a connection that a process had and that may still take jobs for it: its own old one after a reconnect, or a dead neighbour's.

import NIOCore
import TempestRedis

enum StaleConnection {
    /// `id` is `<run_id>/<client id>` as `{Q}:!cid:P` has it. Client ids begin anew with the server: nothing is ended across a change of
    /// its run id, and only what bears the process's name. Succeeds when there is nothing to end; fails when Redis does, or refuses.
    static func end(_ id: String, of process: String, by connection: RedisConnection) -> EventLoopFuture<Void> {
        let parts = id.split(separator: "/")
        guard parts.count == 2, parts[0] == connection.serverRunID, let number = Int(parts[1]), number > 0 else {
            return connection.eventLoop.makeSucceededVoidFuture()
        }
        return connection.send(["CLIENT", "LIST", "ID", .init(number)]).flatMap { listed in
            guard listed.string?.split(separator: " ").contains("name=tempest:\(process)") == true else {
                return connection.eventLoop.makeSucceededVoidFuture()
            }
            return connection.send(["CLIENT", "KILL", "ID", .init(number)]).map { _ in }
                .flatMapErrorThrowing { error in
                    // Gone by itself between the two.
                    guard (error as? RedisError)?.reply?.contains("No such client") == true else { throw error }
                }
        }
    }
}
