import ArgumentParser
import Foundation
import Tempest
import TempestTesting

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Workers in Swift, Python and Ruby answer the same queue, called in JSON, MessagePack and tnetstring.",
        discussion: """
            Starts a private Redis and a worker in each language, sends them this repository's own Markdown files, and compares the \
            answers. Exits with 1 if any answer fails or disagrees. PYTHON and RUBY name other interpreters.

            EXAMPLE
              tempest demo --root .
            """)

    @Option(help: "A checkout of Tempest: its Markdown files are the input, its clients/ have the workers.")
    var root = "."

    @Flag(name: .shortAndLong, help: "Show what the workers log.")
    var verbose = false

    func run() async throws {
        let texts = try DemoInput.markdown(under: root)
        let (root, verbose) = (self.root, self.verbose)
        try await Interruptible.run {
            try await withPrivateRedis { redis in
                try await DemoWorkers(root: root, redisURL: redis.url, verbose: verbose).run {
                    try await Demo(redisURL: redis.url, texts: texts).run()
                }
            }
        }
    }
}

/// The input: real text, Unicode and all.
enum DemoInput {
    static func markdown(under root: String) throws -> [String] {
        let folder = URL(fileURLWithPath: root)
        guard FileManager.default.fileExists(atPath: folder.appendingPathComponent("protocol/tempest.lua").path) else {
            throw CommandFailure("\(root) is no checkout of Tempest (no protocol/tempest.lua): name one with --root")
        }
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])
        var texts: [(String, String)] = []
        while let file = files?.nextObject() as? URL {
            if file.lastPathComponent.hasPrefix(".build") { files?.skipDescendants() }
            guard file.pathExtension == "md", let text = try? SettingsFile.read(file.path) else { continue }
            texts.append((file.path, text))
        }
        guard !texts.isEmpty else { throw CommandFailure("\(root) has no Markdown files") }
        return texts.sorted { $0.0 < $1.0 }.map(\.1)
    }
}
