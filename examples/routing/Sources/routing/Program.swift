// One call that goes through workers in three languages: this program is the Swift one, and the caller. Before it: worker.py and worker.rb,
// started by `run`. After it: the answer on standard output.

import Tempest

@main
struct Program {
    static func main() async throws {
        let worker = try Worker(queues: ["swift"])
        worker.handle("shout") { (_: JobContext, text: String) in text.uppercased() + "!" }
        worker.handle("page") { (_: JobContext, words: Int, longest: String, title: String) in
            "\(title) (\(words) words, the longest is \(longest))"
        }
        let client = try TempestClient()
        let page = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            // clean (Python), then at once count (Ruby), longest (Python) and shout (Swift), then page (Swift) with what the three said.
            let page: String = try await client.call(
                "clean", "  a route   through three languages ", queue: "python",
                route: [
                    .all([.step("count", queue: "ruby"), .step("longest"), .step("shout", queue: "swift")]),
                    .step("page", queue: "swift"),
                ])
            group.cancelAll()
            try await group.waitForAll()
            return page
        }
        await client.shutdown()
        print(page)
    }
}
