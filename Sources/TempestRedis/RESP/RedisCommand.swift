// A command for Redis: its words, in order.
// Made by the layers above; CommandFormatter makes bytes of it, and the connection queues who waits for the reply.

/// A command and its arguments, such as `["RPUSH", RedisArgument(key), RedisArgument(bytes)]`.
package struct RedisCommand: Sendable, Equatable, ExpressibleByArrayLiteral {
    package var arguments: [RedisArgument]

    package init(_ arguments: [RedisArgument]) { self.arguments = arguments }
    package init(arrayLiteral elements: RedisArgument...) { self.arguments = elements }

    /// Calls a function of the library with one key.
    package static func fcall(_ name: String, key: String, _ arguments: [RedisArgument]) -> RedisCommand {
        RedisCommand([.text("FCALL"), .text(name), .text("1"), .text(key)] + arguments)
    }

    /// The same with more arguments.
    package func appending(_ more: [RedisArgument]) -> RedisCommand { RedisCommand(self.arguments + more) }

    /// What messages call it: the command, or the function that it calls. Never an argument, which may be a secret.
    package var name: String {
        guard case .text(let word)? = self.arguments.first else { return "a command" }
        if word == "FCALL", self.arguments.count > 1, case .text(let function) = self.arguments[1] { return function }
        return word
    }
}
