// What the measurements of queues have in common: their options, and the way from options to a report.

import ArgumentParser
import Foundation
import Tempest
import TempestBench
import TempestLoad

struct BenchOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Measure on this Redis instead of a private one (REDIS_URL is not asked): redis://…, unix:///path.sock. Keys are deleted at the end, the functions stay.",
            valueName: "url"))
    var redis: String?

    @Option(help: "Worker processes, 1 to 200.")
    var processes = 1

    @Option(help: "Handlers that run at once in each worker, 1 to 100,000.")
    var concurrency = 512

    @Option(help: "The codec of jobs: json, msgpack, tnetstring.")
    var codec = "msgpack"

    @Option(
        help: ArgumentHelp(
            "Bytes of the text among a job's arguments, 0 to 8,388,608; fewer --jobs for large ones.", valueName: "bytes"))
    var size = 16

    @Option(help: "Levels that workers serve, 1 to 32; queue spreads its jobs over them.")
    var levels = 1

    @Option(help: "Queues that a worker serves, 1 to 1,000; the jobs are in the first of them.")
    var queues = 1

    @Option(help: "Runs, 1 to 100; figures are medians over them.")
    var runs = 5

    @Flag(help: "Print JSON for programs.")
    var json = false

    @Option(help: ArgumentHelp("Draw bars into this file.", valueName: "file.svg"))
    var plot: String?

    func validate() throws {
        for (name, value, range) in [
            ("processes", processes, 1...200), ("concurrency", concurrency, 1...100_000), ("size", size, 0...(8 << 20)),
            ("levels", levels, 1...32), ("queues", queues, 1...1000), ("runs", runs, 1...100),
        ] where !range.contains(value) {
            throw ValidationError("--\(name): \(range.lowerBound) to \(Units.grouped(range.upperBound))")
        }
        _ = try CodecName.codec(codec, option: "--codec")
        try RedisOption.check(redis)
    }

    func run(_ kind: LoadKind, jobs: Int? = nil, seconds: Double? = nil, callers: Int? = nil) async throws {
        var settings = LoadSettings(program: Bundle.main.executablePath ?? CommandLine.arguments[0])
        (settings.redis, settings.processes, settings.concurrency, settings.size) = (redis, processes, concurrency, size)
        (settings.levels, settings.queues, settings.runs) = (levels, queues, runs)
        settings.codec = try CodecName.codec(codec, option: "--codec")
        settings.jobs = jobs ?? settings.jobs
        settings.seconds = seconds ?? settings.seconds
        settings.callers = callers ?? settings.callers
        settings.version = RootCommand.configuration.version
        settings.command = CommandLine.arguments
        let bench = LoadBench(kind, settings)
        try await BenchRun.run(json: json, plot: plot) { watcher in
            let report = try await bench.run(say: watcher.say, progress: watcher.progress)
            return BenchOutput(json: report.value, text: report.text(.terminal), picture: LoadPlot(report).svg)
        }
    }
}
