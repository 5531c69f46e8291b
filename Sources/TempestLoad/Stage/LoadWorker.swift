// The handlers of a measured worker. Before it: the hidden command `bench-worker`. Beside it: LoadJob, which asks them.

package import Tempest

/// Registers what the measurements ask for.
package enum LoadWorker {
    package static func register(on worker: Worker) {
        worker.handle("note") { (_: JobContext, number: Int, _: String, _: [Int]) in number }
        worker.handle("url") { (_: JobContext, _: WebRequest) in WebAnswer(text: "hello, world\n") }
        // How long ago that was, by the clock that all processes of a machine share.
        worker.handle("clock") { (_: JobContext, sent: Int) in LoadClock.now - sent }
    }
}
