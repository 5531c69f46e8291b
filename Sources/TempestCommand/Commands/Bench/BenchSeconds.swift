// For how long is measured what has no end of its own. Before it: the command line. After it: LoadSettings.

import ArgumentParser

struct BenchSeconds: ParsableArguments {
    @Option(help: "Seconds, in each run, of what has no end of its own: many callers, idling, requests; 0.1 to 3600.")
    var seconds = 5.0

    func validate() throws {
        guard (0.1...3600).contains(seconds) else { throw ValidationError("--seconds: 0.1 to 3600") }
    }
}
