// What is known of a request before it becomes a job, from sessions and uploads. Before it: the responder. After it: the letter, and the
// head of the response.

import NIOCore
import Tempest

struct Visit: Sendable {
    /// The session's id, for meta.
    var session: String?
    /// The `cookie` header that workers see; nil: as it came.
    var cookies: String??
    /// Whether the body was read already: `body` is what is left of it for the job.
    var isReceived = false
    var body: ByteBuffer?
    /// The parts of a form that was read; nil: none was.
    var form: [FormPart]?
    var uploads: [UploadReference] = []
    /// Has the last word on the head of the response: the session's cookie.
    var finish: (@Sendable (inout AnswerHead) async throws -> Void)?
    /// What was put aside for it, until it ends.
    var held: RequestUploads?
}
