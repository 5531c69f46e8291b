// What came of a request's body. Made by Uploads.receive; the front makes the job's body, form and uploads of it.

public import NIOCore
public import Tempest

/// A request's body, as far as it is to travel in the job, and what was put aside.
public enum ReceivedBody: Sendable {
    /// There was none, or nothing in it.
    case none
    /// All of it: no longer than ``UploadRules/bodyLimit``.
    case bytes(ByteBuffer)
    /// A multipart form: its fields in their order, and its files.
    case form(fields: [FormField], uploads: [UploadReference])
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
}

/// A field of a form that is no file.
public struct FormField: Sendable, Hashable {
    public var name: String
    public var value: String

    public init(name: String, value: String) { (self.name, self.value) = (name, value) }
}
