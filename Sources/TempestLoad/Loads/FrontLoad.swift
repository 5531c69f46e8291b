// Requests a second through a front and a worker, beside a plain route of the same server. Before it: a Stage, and wrk. After it: figures.

import Foundation
import TempestCodecs
import TempestRedis
import TempestTesting

struct FrontLoad {
    let stage: Stage

    private var settings: LoadSettings { stage.settings }

    /// wrk knows no others.
    private var wholeSeconds: Int { max(1, Int(settings.seconds)) }

    func run(_ progress: (String) -> Void) async throws -> ([Figure], [String]) {
        guard Wrk.isThere else { throw LoadError("wrk is not on PATH, which makes the requests: apt-get install wrk") }
        let queue = try stage.queue("pages")
        var figures = FigureSet()
        try await stage.withWorkers(settings.processes, [queue]) { workers in
            try await stage.ready(queue, processes: settings.processes)
            let ports = try FreePort.find(2)
            let front = ProcessRunner(
                settings.program,
                [
                    "front", "--listen", "127.0.0.1:\(ports[0])", "--route", "/*=\(queue)", "--codec", settings.codec.name,
                    "--no-access-log", "--redis", stage.url,
                ])
            let page = ProcessRunner(settings.program, ["demo-page", "--listen", "127.0.0.1:\(ports[1])"])
            try await front.run { front in
                try await page.run { page in
                    for port in ports {
                        try await eventually(within: .seconds(30), "port \(port) answers") { await Wrk.answers(port) }
                        _ = try await Wrk.run(port, seconds: 1)
                    }
                    for run in 1...settings.runs {
                        progress("run \(run) of \(settings.runs)")
                        try await once(ports, front, workers, &figures)
                    }
                }
            }
        }
        return (
            figures.all,
            ["wrk -t1 -c64 for \(wholeSeconds) s each, the two in turn", "caller: this program, which does nothing meanwhile"]
        )
    }

    private func once(_ ports: [Int], _ front: ChildProcess, _ workers: [ChildProcess], _ figures: inout FigureSet) async throws {
        let seconds = wholeSeconds
        let plain = try await Wrk.run(ports[1], seconds: seconds)
        let used = (ProcessCost.processor(front.processID), try await Cost.now(stage, workers))
        let held = try await Wrk.run(ports[0], seconds: seconds)
        let requests = Int(held.rate * Double(seconds))
        let spent = ProcessCost.processor(front.processID) - used.0
        for (name, result) in [("front", held), ("plain route", plain)] {
            figures.add(name, "requests", "1/s", result.rate)
            figures.add(name, "p50", "us", result.p50)
            figures.add(name, "p99", "us", result.p99)
        }
        figures.add("front", "front / plain route", "x", held.rate / plain.rate)
        figures.add("front", "front", "us/request", spent * 1e6 / Double(max(1, requests)))
        figures.add("front", "front's peak memory", "MB", Double(ProcessCost.peak(front.processID)) / 1e6)
        try await used.1.add("behind the front", requests, stage, workers, &figures)
    }
}
