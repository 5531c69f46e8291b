// What a measurement is made with. Before it: the command's options. After it: a Stage, and the loads on it.

package import TempestCodecs

/// The settings of a run.
package struct LoadSettings: Sendable {
    /// The tempest program, which is started anew for workers.
    package var program: String
    /// A Redis to use; nil: a private one, started for the run.
    package var redis: String?
    /// Worker processes.
    package var processes = 1
    /// Handlers that run at once in each of them.
    package var concurrency = 512
    /// Bytes of the text among a job's arguments.
    package var size = 16
    package var codec: any Codec = .messagePack
    /// Levels, over which jobs are spread evenly.
    package var levels = 1
    /// Queues that each worker serves; jobs are in the first.
    package var queues = 1
    package var jobs = 200_000
    package var runs = 5
    /// Callers that wait at once.
    package var callers = 64
    /// For how long each of the others is measured; seconds.
    package var seconds = 5.0
    /// The version of the program, and the command line, for the report.
    package var version = ""
    package var command: [String] = []

    package init(program: String) { self.program = program }

    /// What a worker process is started with.
    func worker(_ queues: [String], redis url: String) -> [String] {
        ["bench-worker"] + queues + ["--concurrency", "\(concurrency)", "--levels", "\(levels)", "--redis", url]
    }

    /// In a line, for people.
    package var description: String {
        "\(processes) worker \(processes == 1 ? "process" : "processes"), concurrency \(concurrency), \(codec.name), "
            + "\(levels) \(levels == 1 ? "level" : "levels"), \(queues) \(queues == 1 ? "queue" : "queues"), text of \(size) bytes; "
            + (runs == 1 ? "1 run" : "medians of \(runs) runs")
    }
}
