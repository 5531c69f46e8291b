// The `tempest` program: a file per subcommand, each a thin shell around the library.

import ArgumentParser
import Foundation

@main
struct RootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tempest",
        abstract: "Programs in any language answer the same queue.",
        discussion: """
            Jobs are pushed to Redis lists, taken by workers in any language, and answered. Commands that need Redis find it by \
            --redis, REDIS_URL, REDISTOGO_URL, REDISCLOUD_URL, or at redis://127.0.0.1:6379.

            Commands that look at a queue or change it take its name as an argument, and --level. Times are a number and ms, s, m, h, d \
            or w; without a unit they are seconds. Exit status: 0 done; 1 it could not be done, or was refused; 64 wrong options or \
            arguments; 130 and 143 ended by Ctrl-C and SIGTERM.

            EXAMPLE
              tempest dev --port 6390 &                # a private Redis
              export REDIS_URL=redis://127.0.0.1:6390
              python3 clients/python/examples/wordcount.py tempest &   # a worker
              tempest call wordcount 'a b a'           # pushes a job, prints the answer

            Completion: tempest --generate-completion-script bash (or zsh, fish).
            """,
        version: "0.1.0",
        subcommands: [
            DemoCommand.self, DevCommand.self, PushCommand.self, CallCommand.self, PublishCommand.self, QueuesCommand.self,
            PeekCommand.self,
            PauseCommand.self, ResumeCommand.self, ClearCommand.self, CancelCommand.self, DeadCommand.self, WorkersCommand.self,
            QuietCommand.self, StopCommand.self, SuperviseCommand.self, FrontCommand.self, TranscodeCommand.self,
            BenchCommand.self,
            DemoWorkerCommand.self, DemoPageCommand.self, BenchWorkerCommand.self,
        ])

    static func main() async {
        // Swift would repair the text, and another job than was meant would be pushed.
        for index in 1..<max(1, Int(CommandLine.argc)) {
            guard let argument = CommandLine.unsafeArgv[index], String(validatingCString: argument) == nil else { continue }
            let shown = Shown.cut(Shown.escapingControls(String(cString: argument)), to: 60)
            exit(withError: ValidationError("argument \(index), \(shown), is not UTF-8: only text can be given here"))
        }
        var isParsed = false
        do {
            var command = try parseAsRoot()
            isParsed = true
            if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
        } catch let error as ValidationError where isParsed {
            // A file, or what a name stands for: the usage of the whole program would say nothing of it.
            StandardError.write("Error: \(error.message)\n")
            Foundation.exit(ExitCode.validationFailure.rawValue)
        } catch {
            end(error)
        }
    }

    /// Says what there is to say, and ends the program.
    private static func end(_ error: any Error) -> Never {
        if error is StandardOutput.IsClosed { StandardOutput.endByClosedPipe() }
        // Help and the version are output like any other.
        guard exitCode(for: error).isSuccess, !fullMessage(for: error).isEmpty else { exit(withError: error) }
        do {
            try StandardOutput.say(fullMessage(for: error))
            Foundation.exit(0)
        } catch {
            if error is StandardOutput.IsClosed { StandardOutput.endByClosedPipe() }
            exit(withError: error)
        }
    }
}
