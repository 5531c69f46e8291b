// The `tempest` program: a file per subcommand, each a thin shell around the library.

import ArgumentParser

@main
struct RootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tempest",
        abstract: "Programs in any language answer the same queue.",
        discussion: """
            Jobs are pushed to Redis lists, taken by workers in any language, and answered. Commands that need Redis find it by
            --redis, REDIS_URL, REDISTOGO_URL, REDISCLOUD_URL, or at redis://127.0.0.1:6379.

            EXAMPLE
              tempest dev --port 6390 &                          # a private Redis
              export REDIS_URL=redis://127.0.0.1:6390
              python3 clients/python/examples/wordcount.py tempest &   # a worker
              tempest call wordcount 'a b a'                     # pushes a job and prints the answer
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
}
