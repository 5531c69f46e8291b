// What came of a request's body.

public import NIOCore
public import Tempest

/// A request's body, as far as it is to travel in the job, and what was put aside.
public enum ReceivedBody: Sendable {
    /// There was none, or nothing in it.
    case none
    /// All of it: no longer than ``UploadRules/bodyLimit``.
    case bytes(ByteBuffer)
    /// A multipart form: its fields and files in their order, and what of it was put aside.
    case form([FormPart], uploads: [UploadReference])
    /// A longer body, as a whole.
    case upload(UploadReference)

    /// What was put aside.
    public var uploads: [UploadReference] {
        switch self {
        case .none, .bytes: []
        case .form(_, let uploads): uploads
        case .upload(let upload): [upload]
        }
    }

    /// The parts of a form; nil: it is none.
    package var form: [FormPart]? { if case .form(let parts, _) = self { parts } else { nil } }
}
