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
            that is killed. In a container it may be PID 1: it reaps what workers leave behind. docs/supervise.md has the rest.

            A worker must register as $TEMPEST_PROCESS.<anything of its own>; those of Tempest's libraries do. SIGTERM goes to the first \
            process of each worker; what is left of its process group when that has ended gets SIGTERM too, and the rest of the grace. \
            Other signals reach the first process alone: behind a shell, `exec` the worker.

            EXAMPLES
              tempest supervise -- python3 worker.py         # one worker, kept running
              tempest supervise --count 4 --name web -- ruby worker.rb --queue web
              tempest supervise workers.yaml                 # several groups
              tempest supervise --json workers.yaml | my-log-shipper

            A FILE
              workers:
                # Required: name and command, a list, because no shell reads it.
                - name: web
                  command: [python3, worker.py]
                  count: 4                        # default 1
                  environment: {LOG_LEVEL: info}  # beside the supervisor's own
                  directory: /srv/app             # default: where the supervisor is
                  # Default: none. Beyond it a worker is replaced, and the new one is
                  # ready before the old one ends.
                  memory: 512MB
                  restart: always                 # or on-failure, never
                  # Seconds from SIGTERM to a second one; SIGKILL follows 2 s later.
                  grace: 30
                  # In Redis; or seconds after the start, for workers that call the
                  # queue themselves.
                  ready: registered
                  # Seconds; a new worker that takes longer replaces nobody.
                  ready_within: 30

            SIGNALS
              TERM, INT   End the workers within their grace, then this program with
                          status 0. Sent again, workers are asked again.
              HUP         Rolling restart: one after the other, each new worker ready
                          before the old one is asked to end.
              TSTP, USR1  Workers get SIGTSTP: Tempest's take no more jobs and finish
                          what they have.
            """)

    @Option(help: "How many workers of COMMAND.")
    var count: Int?

    @Option(help: "What logs call the workers of COMMAND. Default: the program's name.")
    var name: String?

    @Flag(help: JSONHelp.lines("a line; a worker's line that is a JSON object is nested"))
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
        do throws(SettingsFileError) {
            text = try SettingsFile.read(file)
        } catch {
            throw PlanError(error.description)
        }
        return try PlanReader.read(text, file: file)
    }
}
