// What makes a work loop leave its session: with the same P on new connections, or with a new P.

import TempestRedis

/// Why a work loop cannot go on with its session.
enum RunnerTrouble: Error, CustomStringConvertible {
    /// Redis does not know the process.
    case fenced
    /// Redis has forgotten what it had acknowledged: the process must not go on under its name.
    case forgotten
    /// Connections are to be made anew.
    case lost(any Error)

    init(_ error: any Error) {
        if let trouble = error as? RunnerTrouble {
            self = trouble
        } else if (error as? RedisError)?.code == .fenced {
            self = .fenced
        } else {
            self = .lost(error)
        }
    }

    var description: String {
        switch self {
        case .fenced: "Redis does not know it any more"
        case .forgotten: "Redis has forgotten some of what it had acknowledged"
        case .lost(let error): "\(error)"
        }
    }

    /// What is behind it.
    static func cause(_ error: any Error) -> any Error {
        if case .lost(let cause)? = error as? RunnerTrouble { cause } else { error }
    }

    /// Whether Redis refuses a command, a key or a channel to this user.
    static func isMissingRight(_ error: any Error) -> Bool { (cause(error) as? RedisError)?.code == .permission }

    /// Throws when the bell has rung for trouble.
    static func check(_ rung: Rings) throws(RunnerTrouble) {
        if rung.contains(.fenced) { throw .fenced }
        if rung.contains(.trouble) { throw .lost(RedisError(.connectionLost, "a connection of the worker failed")) }
    }
}
