// A worker and a caller that speak CBOR over a private Redis, as a program of your own would.
// Before it: the codec is right; after it: so is what is said of it in the README.

import Foundation
import Logging
import Tempest
import TempestCBOR
import TempestTesting
import Testing

@Suite("CBOR over a queue")
struct QueueTests {
    struct Order: Codable, Equatable, Sendable {
        var item: String
        var price: Double
        var label: Bytes
    }

    let logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    /// Runs the body with a worker that knows CBOR, and the configuration of its Redis.
    private func withWorker(_ body: (PrivateRedis, RedisConfiguration) async throws -> Void) async throws {
        try await withPrivateRedis { redis in
            let configuration = try RedisConfiguration(url: redis.url)
            var options = WorkerOptions()
            options.codecs = .standard.adding(.cbor)
            let worker = try Worker(queues: ["q"], redis: configuration, options: options, logger: logger)
            worker.handle("double") { (_: JobContext, order: Order) in
                Order(item: order.item, price: order.price * 2, label: Bytes(order.label.bytes.reversed()))
            }
            worker.handle("codec") { (context: JobContext) in context.job.codec.name }
            try await withRunning(worker) { try await body(redis, configuration) }
        }
    }

    private func client(
        _ configuration: RedisConfiguration, _ codec: any Codec, reads: CodecSet = .standard
    ) throws -> TempestClient {
        var options = ClientOptions()
        (options.queue, options.codec, options.codecs) = ("q", codec, reads)
        return try TempestClient(redis: configuration, options: options, logger: logger)
    }

    private func redisCLI(_ redis: PrivateRedis, _ script: String) async throws -> [String] {
        let runner = ProcessRunner("sh", ["-c", script], environment: ["SOCKET": redis.socketPath])
        return try await runner.run { child in
            let status = try await child.waitForExit()
            #expect(status == .exited(0), "\(child.output)")
            return child.output
        }
    }

    @Test("A typed call in CBOR is answered in CBOR, and one in JSON or MessagePack in its own codec by the same worker")
    func calls() async throws {
        try await withWorker { _, configuration in
            let order = Order(item: "t\u{E9}", price: 0.1, label: [0, 1, 255])
            for codec in [.cbor, .json, .messagePack] as [any Codec] {
                // A client that reads no other codec than the one it writes in.
                let client = try client(configuration, codec, reads: CodecSet([codec]))
                let answer: Order = try await client.call("double", order)
                #expect(answer == Order(item: "t\u{E9}", price: 0.2, label: [255, 1, 0]))
                #expect(try await client.call("codec", as: String.self) == codec.name)
                await #expect { let _: Order = try await client.call("double", ["item": 7] as Value) } throws: {
                    ($0 as? CallError)?.remoteCode == "bad_args"
                }
                await client.shutdown()
            }
        }
    }

    @Test("The bytes of the answer are CBOR: somebody without a library reads them out of Redis")
    func answerBytes() async throws {
        try await withWorker { redis, configuration in
            let job: Value = ["codec", [], "box", "an-id"]
            let bytes = octal(try CBORCodec().encode(job))
            _ = try await redisCLI(redis, #"printf %b '\#(bytes)' | redis-cli -s "$SOCKET" -x RPUSH q"#)
            var answer: [UInt8] = []
            try await eventually("the answer is there") {
                let shown = try await redisCLI(redis, #"redis-cli -s "$SOCKET" LPOP '{q}:in:box' | od -An -v -tx1"#).joined()
                // Without an answer redis-cli writes an empty line.
                answer = hex(shown)
                return answer.count > 1
            }
            #expect(answer.popLast() == 0x0A, "redis-cli ends its line")
            #expect(answer.starts(with: tag))
            #expect(try CBORCodec().value(answer) == ["codec", "an-id", ["cbor"]])
        }
    }

    @Test("A malformed job in CBOR goes to the dead set with its reason, and the next one is served")
    func dead() async throws {
        try await withWorker { redis, configuration in
            let client = try client(configuration, .cbor)
            // A job of four elements whose arguments claim four billion.
            _ = try await redisCLI(
                redis, #"printf %b '\#(octal(tag + hex("84 6166 9affffffff")))' | redis-cli -s "$SOCKET" -x RPUSH q"#)
            #expect(try await client.call("codec", as: String.self) == "cbor")
            let queue = try QueueName("q")
            try await eventually("it is recorded") { try await client.statistics(queue).dead == 1 }
            let record = try await redisCLI(redis, #"redis-cli -s "$SOCKET" --no-raw XRANGE '{q}:!dead' - +"#).joined(
                separator: " ")
            #expect(record.contains(#""bad_codec""#), "\(record)")
            #expect(record.contains("cbor: 4294967295 elements claimed but only 0 bytes are left for it, at byte 6"), "\(record)")
            #expect(record.contains(#"\xd9\xd9\xf7\x84af\x9a\xff\xff\xff\xff"#), "\(record)")
            await client.shutdown()
        }
    }

    @Test("A worker that was not given the codec says that no codec begins so")
    func unknown() async throws {
        try await withPrivateRedis { redis in
            let configuration = try RedisConfiguration(url: redis.url)
            let client = try client(configuration, .cbor)
            try await withRunning(try Worker(queues: ["q"], redis: configuration, logger: logger)) {
                try await client.push("codec")
                let queue = try QueueName("q")
                try await eventually("it is recorded") { try await client.statistics(queue).dead == 1 }
                let record = try await redisCLI(redis, #"redis-cli -s "$SOCKET" --no-raw XRANGE '{q}:!dead' - +"#).joined()
                #expect(record.contains("no codec begins with 0xd9"), "\(record)")
            }
            await client.shutdown()
        }
    }

    @Test("A call whose answer could not be read is refused before it is sent")
    func unreadable() async throws {
        try await withPrivateRedis { redis in
            let client = try client(RedisConfiguration(url: redis.url), .json)
            await #expect { let _: Int = try await client.call("codec", codec: .cbor) } throws: {
                ($0 as? CodecError)?.code == .unknownCodec
            }
            await #expect { _ = try await client.stream("codec", codec: .cbor, of: Int.self) } throws: {
                ($0 as? CodecError)?.code == .unknownCodec
            }
            #expect(try await client.statistics(QueueName("q")).waiting == 0)
            await client.shutdown()
        }
    }
}
