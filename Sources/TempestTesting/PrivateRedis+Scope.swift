// Starts a private redis-server for the time of a scope, and leaves nothing behind.
// The beginning and the end of every test that needs Redis.

/// Starts a redis-server in a fresh folder, runs the body with it, kills it and removes the folder, also after errors and cancellation.
///
/// It listens on a unix socket, and on TCP when asked; it keeps nothing on disk unless asked; it dies with this process.
///
/// ```swift
/// try await withPrivateRedis { redis in
///     let configuration = try RedisConfiguration(url: redis.url)
/// }
/// ```
///
/// - Throws: what the body throws; TestingError when redis-server is missing, or does not start, with its log.
public func withPrivateRedis<R>(
    _ options: PrivateRedis.Options = .init(), isolation: isolated (any Actor)? = #isolation,
    _ body: (PrivateRedis) async throws -> R
) async throws -> R {
    guard ProcessRunner.find("redis-server") else {
        throw TestingError("redis-server is not on PATH: apt-get install redis-server")
    }
    return try await withTemporaryDirectory { directory in
        var attempt = 1
        while true {
            // Another process may take a port between our finding it and Redis' listening on it.
            let ports = try FreePort.find(2)
            let redis = PrivateRedis(directory: directory, ports: ports, options: options)
            do {
                return try await redis.scope(body)
            } catch let clash as PortClash {
                guard attempt < 5 else { throw clash.error }
                attempt += 1
            }
        }
    }
}

/// The server did not start because one of its ports was taken.
private struct PortClash: Error {
    let error: TestingError
}

extension PrivateRedis {
    fileprivate init(directory: String, ports: [Int], options: Options) {
        self.directory = directory
        self.tcpURL = options.tcp ? "redis://127.0.0.1:\(ports[0])" : nil
        self.tlsURL = options.tls.map { "rediss://127.0.0.1:\(ports[1])?cacert=\($0.caFile)" }
        var words = [
            "--unixsocket", "\(directory)/redis.sock", "--unixsocketperm", "700", "--dir", directory,
            "--logfile", "\(directory)/redis.log", "--bind", "127.0.0.1", "--daemonize", "no",
            "--port", options.tcp ? "\(ports[0])" : "0", "--save", "",
        ]
        words += options.appendOnly ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"]
        if let tls = options.tls {
            words += [
                "--tls-port", "\(ports[1])", "--tls-ca-cert-file", tls.caFile, "--tls-cert-file", tls.certificateFile,
                "--tls-key-file", tls.keyFile, "--tls-auth-clients", tls.asksClients ? "yes" : "no",
            ]
        }
        self.keeper = PrivateRedisKeeper(command: ProcessRunner("redis-server", words + options.arguments))
    }

    fileprivate func scope<R>(_ body: (PrivateRedis) async throws -> R) async throws -> R {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.keeper.run() }
            defer {
                self.keeper.finish()
                group.cancelAll()
                // Halted processes take SIGKILL too.
                try? self.send(.kill)
            }
            do {
                try await self.start()
            } catch let error as TestingError where error.message.contains("Address already in use") {
                throw PortClash(error: error)
            }
            return try await body(self)
        }
    }
}
