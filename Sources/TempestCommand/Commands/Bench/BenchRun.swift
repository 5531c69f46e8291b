// From a measurement to what is printed: the same for all of them. Before it: a command's options. After it: standard output, and a picture.

import Foundation
import Tempest
import TempestBench
import TempestLoad
import TempestTesting

/// What a measurement found, in the three forms that can be asked for.
struct BenchOutput {
    var json: Value
    var text: String
    var picture: String
}

enum BenchRun {
    /// Runs it until it is over or interrupted, and prints it; into `plot`, if that is given, goes the picture.
    static func run(
        json: Bool, plot: String?, _ body: @escaping @Sendable (Watcher) async throws -> BenchOutput
    ) async throws {
        // A process that has ended is an error of the write to it, not of this program.
        signal(SIGPIPE, SIG_IGN)
        try await Interruptible.run {
            do {
                if let plot { try Files.checkWritable(plot) }
                let watcher = Watcher()
                let output = try await body(watcher)
                watcher.finish()
                try StandardOutput.say(json ? String(decoding: try JSONCodec().encode(output.json), as: UTF8.self) : output.text)
                if let plot {
                    try Files.write(Array(output.picture.utf8), to: plot)
                    watcher.say("bars are in \(Shown.escapingControls(plot))")
                }
            } catch let error as LoadError {
                throw CommandFailure("\(error)")
            } catch let error as BenchError {
                throw CommandFailure("\(error)")
            } catch let error as TestingError {
                throw CommandFailure("\(error)")
            }
        }
    }
}
