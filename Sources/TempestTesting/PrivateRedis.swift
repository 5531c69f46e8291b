// A redis-server of a test's own.
// Made by withPrivateRedis; handed to the test, which connects to it, halts it, kills it and starts it again.

import Foundation
import Synchronization
import TempestRedis

/// A running redis-server that belongs to one scope.
public struct PrivateRedis: Sendable {
    /// How the server is started.
    public struct Options: Sendable {
        /// Whether it also listens on a TCP port of 127.0.0.1. Default false: the unix socket only.
        public var tcp: Bool
        /// Whether it also listens with TLS, and with which files. Default nil: no.
        public var tls: TLS?
        /// Whether every write goes to an append-only file before it is answered, so that it survives `restart`. Default false.
        public var appendOnly: Bool
        /// More words for its command line, such as `["--requirepass", "secret"]`.
        public var arguments: [String]

        /// Makes options.
        public init(tcp: Bool = false, tls: TLS? = nil, appendOnly: Bool = false, arguments: [String] = []) {
            self.tcp = tcp
            self.tls = tls
            self.appendOnly = appendOnly
            self.arguments = arguments
        }
    }

    /// The files of a server with TLS, all PEM.
    public struct TLS: Sendable {
        /// The CA that clients' certificates are checked with.
        public var caFile: String
        /// The server's certificate.
        public var certificateFile: String
        /// Its key.
        public var keyFile: String
        /// Whether clients must have a certificate. Default false.
        public var asksClients: Bool

        /// Makes the settings.
        public init(caFile: String, certificateFile: String, keyFile: String, asksClients: Bool = false) {
            self.caFile = caFile
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            self.asksClients = asksClients
        }
    }

    /// Its folder: socket, log and data. Removed at the end.
    public let directory: String
    /// The path of its unix socket.
    public var socketPath: String { "\(self.directory)/redis.sock" }
    /// The URL of its unix socket.
    public var url: String { "unix://\(self.socketPath)" }
    /// The URL of its TCP port; nil when there is none.
    public let tcpURL: String?
    /// The URL of its TLS port, with the CA's file; nil when there is none.
    public let tlsURL: String?
    /// Its process id now; another one after `restart`.
    public var processID: Int32 { self.keeper.child?.processID ?? 0 }

    let keeper: PrivateRedisKeeper

    /// Sends a signal: `.stop` makes it silent with its connections open, `.resume` lets it go on.
    public func send(_ signal: ProcessSignal) throws {
        guard let child = self.keeper.child else { throw TestingError("the private Redis does not run") }
        try child.send(signal)
    }

    /// Kills it (SIGKILL), and waits until it is gone. Only `start` brings it back.
    public func kill() async throws {
        guard let child = self.keeper.child else { return }
        try? child.send(.kill)
        try await child.waitForExit()
    }

    /// Starts it again in the same folder, with the same socket and ports, after `kill`. Returns when it answers.
    public func start() async throws {
        self.keeper.requestStart()
        try await self.keeper.waitUntilReady(self)
    }

    /// Kills it and starts it again. What was in memory only is lost; with `appendOnly` the data is there again.
    public func restart() async throws {
        try await self.kill()
        try await self.start()
    }

    /// What it has logged.
    public var log: String {
        (try? String(contentsOfFile: "\(self.directory)/redis.log", encoding: .utf8)) ?? ""
    }
}
