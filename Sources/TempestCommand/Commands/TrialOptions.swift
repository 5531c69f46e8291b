// How a job is to be tried: the options of `push` and `call`. Before it: text. After it: JobOptions, checked.

import ArgumentParser
import Tempest

struct TrialOptions: ParsableArguments {
    @Option(help: "At most so many attempts, 1 to 1000000. Default: what its handler says, or 25; 1 when a caller waits.")
    var attempts: Int?

    @Option(
        help: ArgumentHelp(
            "How long to wait after the first failure, which doubles with each further one, and at most: such as 2s,10m. One time alone: always that.",
            valueName: "first,longest"))
    var backoff: BackoffTimes?

    @Option(help: "It is skipped when no worker was free within this time: a number and ms, s, m, h, d or w.")
    var expires: TimeSpan?

    @Option(help: "How long a run may take; then its handler is cancelled, which counts as a failure.")
    var runTimeout: TimeSpan?

    @Flag(help: "Never run it again when a worker ends while it runs it: it is dead then, as interrupted.")
    var once = false

    func validate() throws {
        if let attempts, !(1...1_000_000).contains(attempts) { throw ValidationError("--attempts: 1 to 1000000") }
        for (name, time) in [("--expires", expires), ("--run-timeout", runTimeout), ("--backoff", backoff?.longest)] {
            guard let time, !(1...TimeSpan.year).contains(time.milliseconds) else { continue }
            throw ValidationError("\(name): 1ms to 365d")
        }
    }

    var options: JobOptions {
        JobOptions(
            attempts: attempts, backoff: backoff.map { ($0.first.duration, $0.longest.duration) }, timeout: runTimeout?.duration,
            expires: expires?.duration, once: once)
    }
}

/// Two lengths of time, `2s,10m`, or one for both.
struct BackoffTimes: ExpressibleByArgument, Equatable {
    let first: TimeSpan
    let longest: TimeSpan

    init?(argument: String) {
        let spans = argument.split(separator: ",", omittingEmptySubsequences: false).map { TimeSpan(argument: String($0)) }
        guard (1...2).contains(spans.count), let first = spans[0], let longest = spans[spans.count - 1],
            first.milliseconds <= longest.milliseconds
        else { return nil }
        (self.first, self.longest) = (first, longest)
    }
}
