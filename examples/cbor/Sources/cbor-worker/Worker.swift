// A worker that understands CBOR beside the codecs of the protocol: one line of its options. Stops on SIGTERM or Ctrl-C when its jobs
// are done.

import Logging
import ServiceLifecycle
import Tempest
import TempestCBOR
import UnixSignals

struct Reading: Codable, Sendable {
    var sensor: String
    var values: [Double]
    var raw: Bytes
}

struct Summary: Codable, Sendable {
    var sensor: String
    var mean: Double
    var rawBytes: Int
}

@main
struct Program {
    static func main() async throws {
        var options = WorkerOptions()
        options.codecs = .standard.adding(.cbor)
        let worker = try Worker(queues: ["tempest"], options: options)

        worker.handle("summarise") { (context: JobContext, reading: Reading) in
            context.logger.info("a reading in \(context.job.codec.name)")
            guard !reading.values.isEmpty else { throw HandlerError(code: "no_values", message: "there is nothing to summarise") }
            return Summary(
                sensor: reading.sensor, mean: reading.values.reduce(0, +) / Double(reading.values.count),
                rawBytes: reading.raw.bytes.count)
        }

        worker.handle("codec") { (context: JobContext) in context.job.codec.name }

        try await ServiceGroup(
            services: [worker], gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "worker")
        ).run()
    }
}
