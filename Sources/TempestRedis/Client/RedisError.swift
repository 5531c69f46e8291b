// What goes wrong between us and Redis, as one value: a code to decide by, a sentence that names the cure.
// Made by the configuration, the connector, the connection and the replies; it reaches the user through the worker and the caller.

/// An error of Redis, of the way to it, or of its configuration.
///
/// Two errors are equal when their codes and messages are.
public struct RedisError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of trouble it is.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case url, refused, unreachable, tls, authentication, permission, clients, memory, loading, readOnly, wrongType, tooOld
            case noFunction, fenced, resync, badArgument, timedOut, connectionLost, closed, protocolError, reply
        }

        private let value: Value

        /// The URL or another setting is not valid.
        public static let url = Code(value: .url)
        /// Nobody listens at the address.
        public static let refused = Code(value: .refused)
        /// The host has no address, or did not answer in time.
        public static let unreachable = Code(value: .unreachable)
        /// TLS could not be set up: a certificate, a key, a name, or a server that speaks no TLS.
        public static let tls = Code(value: .tls)
        /// No password, or a wrong one (`NOAUTH`, `WRONGPASS`).
        public static let authentication = Code(value: .authentication)
        /// The user lacks a right (`NOPERM`, protected mode, a socket file that may not be opened).
        public static let permission = Code(value: .permission)
        /// Redis has as many clients as it admits.
        public static let clients = Code(value: .clients)
        /// Redis is at its `maxmemory` (`OOM`).
        public static let memory = Code(value: .memory)
        /// Redis is loading its data set.
        public static let loading = Code(value: .loading)
        /// The server is a read-only replica (`READONLY`).
        public static let readOnly = Code(value: .readOnly)
        /// A key holds another kind of value than the command takes (`WRONGTYPE`).
        public static let wrongType = Code(value: .wrongType)
        /// Redis is older than 7.0, or has no functions.
        public static let tooOld = Code(value: .tooOld)
        /// The function library is not loaded.
        public static let noFunction = Code(value: .noFunction)
        /// The process or the inbox is no longer registered (`FENCED`): begin anew.
        public static let fenced = Code(value: .fenced)
        /// The reply of a claim was lost (`RESYNC n`).
        public static let resync = Code(value: .resync)
        /// An argument is not what the command or the function takes.
        public static let badArgument = Code(value: .badArgument)
        /// No reply came in time. The command may or may not have run.
        public static let timedOut = Code(value: .timedOut)
        /// The connection broke. A command that had been written may or may not have run.
        public static let connectionLost = Code(value: .connectionLost)
        /// The connection or the client was closed on our side.
        public static let closed = Code(value: .closed)
        /// What came back is no RESP2.
        public static let protocolError = Code(value: .protocolError)
        /// Any other error reply.
        public static let reply = Code(value: .reply)

        /// The name of the code, such as `timedOut`.
        public var description: String { self.value.rawValue }
    }

    /// What kind of trouble it is.
    public let code: Code
    /// What is wrong, where, and what to do about it. Never holds a password.
    public let message: String
    /// The server's own words, when it answered with an error.
    public let reply: String?
    /// The file in which the error was made.
    public let file: String
    /// The line in that file.
    public let line: Int
    /// Whether the command certainly never left this process, so that sending it again cannot run it twice.
    package var wasNotSent = false

    package init(_ code: Code, _ message: String, reply: String? = nil, file: String = #fileID, line: Int = #line) {
        self.code = code
        self.message = message
        self.reply = reply
        self.file = file
        self.line = line
    }

    /// The code and the message.
    public var description: String { "\(self.code): \(self.message)" }

    /// Equality is that of code and message.
    public static func == (left: RedisError, right: RedisError) -> Bool {
        left.code == right.code && left.message == right.message
    }
}

extension RedisError {
    /// Whether connecting again cannot help: somebody has to change a setting first.
    package var needsChange: Bool {
        switch self.code {
        case .url, .tls, .authentication, .permission, .tooOld, .badArgument, .closed: true
        default: false
        }
    }

    /// Whether Redis is there and does not let this user in, or do this: at its start, nobody waits for that to be set right.
    package var isRefusal: Bool {
        switch self.code {
        case .authentication, .permission, .badArgument: self.reply != nil
        case .tooOld: true
        default: false
        }
    }

    /// The same error for a command that was never written.
    var unsent: RedisError {
        var copy = self
        copy.wasNotSent = true
        return copy
    }
}
