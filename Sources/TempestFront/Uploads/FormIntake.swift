// A multipart form as it comes in: fields are kept, files go into the store.

import NIOCore
import Tempest

/// Takes a form. After an error the owner calls `discard`, and nothing is left of it.
struct FormIntake: Sendable {
    /// Fields and files in their order.
    private(set) var parts: [FormPart] = []
    private(set) var uploads: [UploadReference] = []

    private enum Content {
        case nothing
        case field(MultipartPart, ByteBuffer)
        /// A file, for which nothing was begun before it has content: forms have a nameless one for each input that was left
        /// empty.
        case file(MultipartPart, UploadIntake?)
    }

    private let store: any UploadStore
    private let rules: UploadRules
    private var reader: MultipartReader
    private var content = Content.nothing
    private var fieldBytes = 0
    private var files = 0

    init(_ store: any UploadStore, boundary: [UInt8], rules: UploadRules) {
        (self.store, self.rules) = (store, rules)
        var limits = MultipartReader.Limits()
        limits.parts = rules.partLimit
        self.reader = MultipartReader(boundary: boundary, limits: limits)
    }

    /// Takes the body's next buffer.
    mutating func take(_ buffer: ByteBuffer) async throws {
        reader.feed(buffer)
        while let event = try reader.next() {
            switch event {
            case .part(let part): try begin(part)
            case .data(let data): try await add(data)
            case .partEnd: try await end()
            case .end: return
            }
        }
    }

    /// To be called at the end of the body.
    func finish() throws(FormError) { try reader.finish() }

    /// Removes all that was put aside.
    mutating func discard() async {
        if case .file(_, let intake?) = content { await intake.discard() }
        content = .nothing
        for upload in uploads { try? await store.release(upload.token) }
        uploads = []
    }

    private mutating func begin(_ part: MultipartPart) throws(UploadRefusal) {
        // What a part's head says travels in the job, too.
        try count([part.name, part.filename, part.type, part.head].reduce(0) { $0 + ($1?.count ?? 0) })
        content = part.filename == nil ? .field(part, ByteBuffer()) : .file(part, nil)
    }

    private mutating func add(_ data: ByteBuffer) async throws {
        switch content {
        case .nothing: break
        case .field(let part, var value):
            // Let go of before it grows, so that it need not be copied.
            content = .nothing
            try count(data.readableBytes)
            value.writeImmutableBuffer(data)
            content = .field(part, value)
        case .file(let part, let intake):
            var intake = intake
            if intake == nil {
                try countFile()
                intake = try await UploadIntake(store, rules: rules)
                content = .file(part, intake)
            }
            try await intake?.write(data)
            content = .file(part, intake)
        }
    }

    private mutating func end() async throws {
        let ended = content
        content = .nothing
        switch ended {
        case .nothing: break
        case .field(let part, let value):
            parts.append(FormPart(part, bytes: Array(value.readableBytesView)))
        case .file(let part, let intake?):
            try await commit(part, intake)
        case .file(let part, nil):
            // An input that was left empty has no name of a file; one with a name is a file without content.
            guard part.filename != [] else { return parts.append(FormPart(part)) }
            try countFile()
            try await commit(part, try await UploadIntake(store, rules: rules))
        }
    }

    private mutating func commit(_ part: MultipartPart, _ intake: UploadIntake) async throws {
        // For those who read no more than `uploads`; the form has the bytes.
        func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
        let upload = try await intake.commit(field: text(part.name), filename: text(part.filename), type: text(part.type))
        uploads.append(upload)
        parts.append(FormPart(part, upload: upload))
    }

    private mutating func count(_ bytes: Int) throws(UploadRefusal) {
        fieldBytes += bytes
        guard fieldBytes <= rules.bodyLimit else {
            throw UploadRefusal(.tooLarge, "the form's fields have more than \(rules.bodyLimit) bytes together")
        }
    }

    private mutating func countFile() throws(UploadRefusal) {
        files += 1
        guard files <= rules.fileLimit else { throw UploadRefusal(.tooLarge, "the form has more than \(rules.fileLimit) files") }
    }
}
