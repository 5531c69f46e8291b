// The Swift worker: `url`, for a front of node-tempest. REDIS_URL says where Redis is. Started by run.sh.

import Tempest

@main
struct Program {
    static func main() async throws {
        var options = WorkerOptions()
        // Fronts may be on this machine alone; anyHost is the one that stands for their 0.0.0.0.
        options.directAnswers = try AllowedNetworks(["127.0.0.1/32"], anyHost: "127.0.0.1")
        let worker = try Worker(queues: ["tempest"], options: options)
        worker.handle("url") { (_: JobContext, request: WebRequest) in
            WebAnswer(text: "\(request.method) \(request.url) by Swift\n")
        }
        try await worker.runUntilSignalled()
    }
}
