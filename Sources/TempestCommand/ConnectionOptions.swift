// Which Redis, and how loud: the flags that every command has.

import ArgumentParser
import Foundation
import Logging
import Tempest

struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Redis: redis://[user:password@]host:port/db, rediss://… (TLS; ?cacert=FILE&cert=FILE&key=FILE), unix:///path.sock.",
            discussion: "Default: REDIS_URL, REDISTOGO_URL, REDISCLOUD_URL, or redis://127.0.0.1:6379.", valueName: "url"))
    var redis: String?

    @Flag(name: .shortAndLong, help: "Log what happens, to standard error.")
    var verbose = false

    func validate() throws { try RedisOption.check(redis) }

    var configuration: RedisConfiguration {
        get throws {
            if let redis { return try RedisConfiguration(url: redis, origin: "--redis") }
            return try RedisConfiguration.environment(ProcessInfo.processInfo.environment)
        }
    }

    /// The URL of that Redis as it was given, for programs that are started with it.
    var url: String {
        let variables = ProcessInfo.processInfo.environment
        let named = RedisConfiguration.variables.lazy.compactMap { variables[$0] }.first { !$0.isEmpty }
        return redis ?? named ?? "redis://127.0.0.1:6379"
    }

    func logger(_ label: String, quiet: Logger.Level = .error) -> Logger {
        var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = verbose ? .debug : quiet
        return logger
    }

    /// A client for one command: it does not wait for a Redis that is not there.
    func withClient<R>(
        _ change: (inout ClientOptions) throws -> Void = { _ in }, _ body: (TempestClient) async throws -> R
    )
        async throws -> R
    {
        var options = ClientOptions()
        options.patience = .zero
        try change(&options)
        let client = try TempestClient(redis: configuration, options: options, logger: logger("tempest"))
        do {
            let result = try await body(client)
            await client.shutdown()
            return result
        } catch {
            await client.shutdown()
            throw error
        }
    }
}

/// What was given as --redis.
enum RedisOption {
    /// A URL that is none is a wrong option; a Redis that is not there is not.
    static func check(_ url: String?) throws {
        guard let url else { return }
        do {
            _ = try RedisConfiguration(url: url)
        } catch {
            throw ValidationError("--redis: \(error)")
        }
    }
}

/// Where a job goes, and how it is written: the same for push and call.
struct QueueOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "The queue. Default: tempest.", transform: { try QueueName($0) })
    var queue: QueueName?

    @Option(name: .shortAndLong, help: "The level: high, default, low, or any other.", transform: { try Level($0) })
    var level = Level.default

    @Option(name: .shortAndLong, help: "The codec of the job: json, msgpack, tnetstring.")
    var codec = "json"

    @Flag(help: "Take every argument as text, also where it is JSON.")
    var text = false

    var name: String { queue?.description ?? "tempest" }

    func validate() throws { _ = try chosenCodec() }

    func chosenCodec() throws -> any Codec { try CodecName.codec(codec, option: "--codec") }

    /// Arguments are JSON; what is not JSON is text.
    func values(_ arguments: [String]) throws -> [Value] {
        var arguments = arguments
        // The parser hands the terminator on.
        if let terminator = arguments.firstIndex(of: "--") { arguments.remove(at: terminator) }
        return try arguments.map { text ? .text($0) : try JSONArgument.value($0) }
    }
}

enum JSONArgument {
    /// The value of an argument that is JSON; any other is text. JSON after a byte order mark would be text without a word: it is refused.
    static func value(_ argument: String) throws -> Value {
        let bytes = Array(argument.utf8)
        do throws(CodecError) {
            return try JSONCodec().value(bytes)
        } catch {
            guard bytes.starts(with: [0xEF, 0xBB, 0xBF]) else { return .text(argument) }
            throw ValidationError("\(Shown.cut(Shown.json(.text(argument)), to: 60)): \(error); or take it as text, with --text")
        }
    }
}

enum CodecName {
    static func codec(_ name: String, option: String) throws -> any Codec {
        guard let codec = CodecSet.standard.named(name) else {
            throw ValidationError(
                "\(option): there is no codec \(name.debugDescription); there are \(CodecSet.standard.names.joined(separator: ", "))"
            )
        }
        return codec
    }
}

/// Arguments such as -2 are numbers; anything else that begins with - is an option that does not exist.
enum NegativeNumbers {
    static func check(_ arguments: [String]) throws {
        guard !CommandLine.arguments.contains("--") else { return }
        for argument in arguments where argument.hasPrefix("-") && argument != "-" && Double(argument) == nil {
            throw ValidationError("there is no option \(argument); put -- before arguments that begin with -")
        }
    }
}
