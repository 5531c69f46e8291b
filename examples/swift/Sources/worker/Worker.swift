// A worker with typed handlers: arguments are decoded, what is returned is the answer. Stops on SIGTERM or Ctrl-C when its jobs are
// done.

import Logging
import ServiceLifecycle
import Tempest

struct Order: Codable, Sendable {
    var item: String
    var count: Int
    var price: Double
}

@main
struct Program {
    static func main() async throws {
        let worker = try Worker(queues: ["tempest"])

        worker.handle("add") { (_: JobContext, a: Int, b: Int) in a + b }

        worker.handle("total") { (context: JobContext, orders: [Order]) in
            context.logger.info("adding up")
            guard !orders.isEmpty else { throw HandlerError(code: "no_orders", message: "there is nothing to add up") }
            return orders.reduce(0) { $0 + Double($1.count) * $1.price }
        }

        // Several answers: the caller gets each at once.
        worker.handle("countdown") { (context: JobContext, from: Int) in
            for number in stride(from: from, to: 0, by: -1) { try await context.send(number) }
            return 0
        }

        try await ServiceGroup(
            services: [worker], gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "worker")
        ).run()
    }
}
