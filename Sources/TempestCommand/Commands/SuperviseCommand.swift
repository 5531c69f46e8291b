import ArgumentParser
import Foundation
import Logging
import Tempest
import TempestSupervisor

struct SuperviseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervise",
        abstract: "Keep workers of any language running; take their jobs back the moment they die.",
        discussion: """
            Each worker is started with TEMPEST_PROCESS (its name, new each time) and REDIS_URL. One that ends is started again, after \
            0.1 s and then longer, up to 30 s; what it held is back in the queues at once. Workers die with the supervisor, even when \
            that is killed. Name the worker itself: a shell in between would get the signals alone, and end before the worker does \
            (`sh -c 'cd app && exec python3 worker.py'` is fine). In a container, run this under an init (docker run --init).

            EXAMPLES
              tempest supervise -- python3 worker.py                 # one worker, kept running
              tempest supervise --count 4 --name web -- ruby worker.rb --queue web
              tempest supervise workers.yaml                         # several groups
              tempest supervise --json workers.yaml | my-log-shipper

            A FILE
              workers:
                - name: web                        # required, as is command
                  command: [python3, worker.py]    # a list: no shell reads it
                  count: 4                         # 1
                  environment: {LOG_LEVEL: info}   # beside the supervisor's own
                  directory: /srv/app              # where the supervisor is
                  memory: 512MB                    # none; beyond it a worker is replaced, the new one ready before the old one ends
                  restart: always                  # or on-failure, never
                  grace: 30                        # seconds from SIGTERM to a second one; SIGKILL follows 2 s later
                  ready: registered                # in Redis; or seconds after the start, for workers that call the queue themselves
                  ready_within: 30                 # seconds; a new worker that takes longer replaces nobody

            SIGNALS
              TERM, INT   end the workers within their grace, then this program with status 0; sent again, workers are asked again
              HUP         rolling restart: one after the other, each new worker ready before the old one is asked to end
              TSTP, USR1  workers get SIGTSTP: Tempest's take no more jobs and finish what they have
            """)

    @Option(help: "How many workers of COMMAND.")
    var count: Int?

    @Option(help: "What logs call the workers of COMMAND. Default: the program's name.")
    var name: String?

    @Flag(help: "One JSON object a line: time, worker, pid, stream, and line, or message where the line is a JSON object.")
    var json = false

    @Option(help: ArgumentHelp("A file that is made when all workers are ready, and removed at the end.", valueName: "path"))
    var readyFile: String?

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("A YAML file of groups.", valueName: "file"))
    var file: String?

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("After --: the program of one group and its arguments.", valueName: "command"))
    var command: [String] = []

    func validate() throws {
        guard (file == nil) != command.isEmpty else {
            throw ValidationError(
                file == nil
                    ? "name a file, or put a command after --: tempest supervise -- python3 worker.py"
                    : "either a file or a command after --, not both")
        }
        if file != nil, count != nil || name != nil {
            throw ValidationError("--count and --name are for a command after --; in a file they are `count:` and `name:`")
        }
        if let count, !WorkerGroup.counts.contains(count) {
            throw ValidationError("--count: 1 to \(WorkerGroup.counts.upperBound)")
        }
        if let name, !WorkerGroup.allows(name: name) { throw ValidationError("--name: \(WorkerGroup.nameRule)") }
    }

    func run() async throws {
        let groups: [WorkerGroup]
        do {
            groups = try plan()
            for group in groups { try Programs.check(group) }
        } catch let error as PlanError {
            throw ValidationError(error.description)
        }
        var options = Supervisor.Options()
        options.json = json
        options.coloured = !json && isatty(STDOUT_FILENO) == 1 && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
        options.readyFile = readyFile
        let supervisor = Supervisor(
            groups: groups, redis: try connection.configuration, redisURL: connection.url, options: options,
            logger: connection.logger("tempest.supervise", quiet: .warning))
        guard await supervisor.run() else { throw ExitCode.failure }
    }

    private func plan() throws -> [WorkerGroup] {
        guard let file else {
            // The name of the program, as far as it may be one.
            let program = command[0].split(separator: "/").last.map(String.init) ?? ""
            let derived = String(program.prefix { $0 != "." }.prefix(40))
            var group = WorkerGroup(
                name: name ?? (WorkerGroup.allows(name: derived) ? derived : "worker"), command: command)
            group.count = count ?? 1
            return [group]
        }
        let text: String
        do {
            text = try String(contentsOf: URL(fileURLWithPath: file), encoding: .utf8)
        } catch {
            throw PlanError("\(file) cannot be read: \((error as NSError).localizedDescription)")
        }
        return try PlanReader.read(text, file: file)
    }
}
