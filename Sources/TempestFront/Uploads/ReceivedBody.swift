// What came of a request's body. Made by Uploads.receive; the front makes the job's body, form and uploads of it.

public import NIOCore
public import Tempest
package import TempestCodecs

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

    /// What a job says of it besides the body: `form`, where several fields of one name are the last, and `uploads`.
    package var extra: ValueMap {
        var extra = ValueMap()
        if case .form(let fields, _) = self {
            // One assignment for each name: a map looks through itself for every one of them.
            var last: [String: String] = [:]
            for field in fields { last[field.name] = field.value }
            extra["form"] = .map(ValueMap(last.sorted { $0.key < $1.key }.map { ($0.key, .text($0.value)) }))
        }
        if !uploads.isEmpty { extra["uploads"] = .array(uploads.map(\.value)) }
        return extra
    }
}

/// A field of a form that is no file.
public struct FormField: Sendable, Hashable {
    public var name: String
    public var value: String

    public init(name: String, value: String) { (self.name, self.value) = (name, value) }
}
