// The Swift worker of the page: held requests, a stream, an upload, frames, and two steps of the route. Before it: the front, started
// by run.sh. After it: the browser.

import Foundation
import Tempest

@main
struct Program {
    static func main() async throws {
        let worker = try Worker(queues: ["swift", "any", "echo"])
        let client = try TempestClient()

        worker.handle("url") { (context: JobContext, page: Page) -> WebAnswer in
            var me = Report()
            switch (page.request.method, page.request.path.split(separator: "/").last) {
            case (_, "hello"):
                return try me.answer()
            case (_, "visit"):
                guard let session = context.session else { return WebAnswer(status: 400, text: "There is no session.") }
                let visits = (try await session.get("seen", as: Int.self) ?? 0) + 1
                try await session.set("seen", to: visits)
                me.visits = visits
                return try me.answer()
            case ("POST", "publish"):
                me.text = String((page.request.form["text"] ?? "").prefix(200))
                try await client.publish(channel: "news", event: "note", data: me)
                return WebAnswer(status: 204)
            case ("POST", "upload"):
                guard let upload = page.uploads.first else { return WebAnswer(status: 400, text: "A file is missing.") }
                var size = 0
                // The end of it is reached only if size and digest are right.
                for try await chunk in try await upload.open() { size += chunk.readableBytes }
                (me.filename, me.size, me.sha256) = (upload.filename, size, upload.sha256)
                return try me.answer()
            default:
                return WebAnswer(status: 404, text: "There is nothing here.")
            }
        }

        worker.handle("progress") { (context: JobContext, _: WebRequest) -> Void in
            try await context.send(WebAnswer(text: ""))
            for percent in stride(from: 5, through: 100, by: 5) {
                try await Task.sleep(for: .milliseconds(50))
                try await context.send("\(percent)\n")
            }
        }

        worker.handle("websocket") { (context: JobContext, event: Frame) -> Void in
            guard event.event == "message", let data = event.data else { return }
            try await context.send("Swift \(ProcessInfo.processInfo.processIdentifier): \(data)")
        }

        worker.handle("shout") { (_: JobContext, text: String) in text.uppercased() + "!" }
        // The last step: what it answers is the browser's.
        worker.handle("page") { (_: JobContext, words: Int, longest: String, title: String) in
            guard words > 0 else { return WebAnswer(status: 400, text: "?text=… is missing") }
            return WebAnswer(text: "\(title) (\(words) words, the longest is \(longest))")
        }

        try await worker.runUntilSignalled()
        await client.shutdown()
    }
}
