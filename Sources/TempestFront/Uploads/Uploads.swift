// Bodies: short ones into the job, long ones and files of forms into a store (protocol/http.md, "Uploads"). Before it: a request
// of Hummingbird's. After it: the job. Running, it sweeps the store.

public import Hummingbird
public import Logging
import Metrics
import NIOCore
public import ServiceLifecycle
import Tempest

/// Receives the bodies of requests, and keeps what is too long for a job.
///
/// ```swift
/// let uploads = Uploads(store: try await FolderStore(folder: "/var/lib/tempest/uploads"), logger: logger)
/// let body = try await uploads.receive(request)        // UploadRefusal says what status to answer
/// router.get("/uploads/{token}") { request, context in
///     try await uploads.respond(to: request, token: context.parameters.require("token"))
/// }
/// await uploads.release(body)                          // once the request has been answered
/// ```
///
/// At no time is more of an upload in memory than one buffer: the browser is read no faster than the store writes. What was begun
/// for a body that was not received to its end is removed.
public final class Uploads: Service {
    /// How much is taken.
    public let rules: UploadRules
    let store: (any UploadStore)?
    let logger: Logger
    private let quota: AddressQuota?

    /// - Parameters:
    ///   - store: where uploads go; nil: nowhere, longer bodies and forms with files are refused with 413.
    ///   - quotaPerAddress: how many bytes the requests of one address that a front holds may bring together; nil: any number.
    public init(
        store: (any UploadStore)?, rules: UploadRules = UploadRules(), quotaPerAddress: Int? = nil,
        logger: Logger = Logger(label: "tempest.uploads")
    ) {
        (self.store, self.rules, self.logger) = (store, rules, logger)
        quota = quotaPerAddress.map { AddressQuota(most: $0) }
    }

    /// Reads a request's body to its end.
    ///
    /// - Throws: ``UploadRefusal`` with the status to answer; whatever the connection throws when it breaks;
    ///   `CancellationError`. Nothing is left in the store then.
    public func receive(_ request: Request) async throws -> ReceivedBody {
        let length = request.headers[.contentLength].flatMap { Int($0) }
        let intake = Intake(store: store, rules: rules, request.method)
        return try await receive(request.body, request.headers[values: .contentType].first, length, intake)
    }

    /// The same of a body alone. `length`: what its sender says of it; nil if it does not.
    public func receive(_ body: RequestBody, contentType: String?, length: Int?) async throws -> ReceivedBody {
        try await receive(body, contentType, length, Intake(store: store, rules: rules))
    }

    /// The same for a front's route: with the route's own limits, for a client of that address, until the request ends.
    func receive(
        _ request: Request, from address: String?, for route: FrontRoute
    ) async throws -> (ReceivedBody, RequestUploads) {
        var intake = Intake(store: store, rules: rules, request.method)
        if let limit = route.uploadLimit { intake.rules.uploadLimit = min(limit, rules.uploadLimit) }
        if let limit = route.bodyLimit { intake.rules.bodyLimit = limit }
        let share = quota?.share(address)
        if let share, let store { intake.store = SharedStore(store: store, share: share) }
        let length = request.headers[.contentLength].flatMap { Int($0) }
        // It would never fit, however long its sender waited.
        if let quota, let length, length > max(quota.most, intake.rules.bodyLimit) { throw refused(tooLarge(quota.most)) }
        let body = try await receive(request.body, request.headers[values: .contentType].first, length, intake)
        return (body, RequestUploads(self, body, share: share))
    }

    /// Where a body goes, and how much of it.
    private struct Intake {
        var store: (any UploadStore)?
        var rules: UploadRules
        /// Some clients give each request the type of their forms: of these methods a request without a body is none.
        let mayBeNoForm: Bool

        init(store: (any UploadStore)?, rules: UploadRules, _ method: HTTPRequest.Method? = nil) {
            (self.store, self.rules) = (store, rules)
            mayBeNoForm = method.map { [.get, .head, .delete, .options].contains($0) } ?? false
        }
    }

    private func receive(
        _ body: RequestBody, _ contentType: String?, _ length: Int?, _ intake: Intake
    ) async throws -> ReceivedBody {
        do {
            let boundary: [UInt8]?
            do { boundary = try MultipartBoundary.read(contentType: contentType) } catch {
                guard intake.mayBeNoForm else { throw error }
                for try await buffer in body where buffer.readableBytes > 0 { throw error }
                return .none
            }
            if let boundary { return try await form(body, boundary, length, intake) }
            return try await whole(body, contentType, length, intake)
        } catch let refusal as UploadRefusal {
            throw refused(refusal)
        } catch let error as FormError {
            throw refused(UploadRefusal(error))
        } catch let error as UploadError {
            logger.error("an upload could not be kept", metadata: ["error": "\(error)"])
            let refusal =
                switch error.code {
                case .full: UploadRefusal(.full, "there is no room for uploads")
                case .tooLarge: UploadRefusal(.tooLarge, "the upload is too large")
                default: UploadRefusal(.unavailable, "uploads cannot be kept at present")
                }
            throw refused(refusal)
        }
    }

    /// Removes the uploads of a request that has ended, but for those that a worker keeps.
    public func release(_ body: ReceivedBody) async {
        for upload in body.uploads {
            do {
                try await store?.release(upload.token)
            } catch {
                logger.warning("an upload of no use was not removed; it will be swept", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Sweeps the store at once and then again and again, until a graceful shutdown or cancellation.
    public func run() async throws {
        guard let store else { return try await gracefulShutdown() }
        let pause = min(max(rules.age / 10, .seconds(1)), .seconds(600))
        try? await cancelWhenGracefulShutdown {
            while true {
                do {
                    let count = try await store.sweep(olderThan: self.rules.age)
                    if count > 0 { self.logger.info("old uploads were removed", metadata: ["count": "\(count)"]) }
                } catch {
                    self.logger.error("uploads were not swept", metadata: ["error": "\(error)"])
                }
                try await Task.sleep(for: pause)
            }
        }
    }

    // MARK: Bodies

    private func whole(
        _ body: RequestBody, _ contentType: String?, _ length: Int?, _ place: Intake
    ) async throws -> ReceivedBody {
        let (store, rules) = (place.store, place.rules)
        let most = store == nil ? rules.bodyLimit : min(rules.uploadLimit, rules.requestLimit)
        guard length ?? 0 <= max(most, rules.bodyLimit) else { throw tooLarge(most) }
        var kept = ByteBuffer()
        var intake: UploadIntake?
        var received = 0
        do {
            for try await buffer in body {
                received += buffer.readableBytes
                guard received <= max(most, rules.bodyLimit) else { throw tooLarge(most) }
                if intake == nil, let store, max(received, length ?? 0) > rules.bodyLimit {
                    intake = try await UploadIntake(store, rules: rules)
                    if kept.readableBytes > 0 { try await intake?.write(kept) }
                    kept = ByteBuffer()
                }
                if intake == nil {
                    kept.writeImmutableBuffer(buffer)
                } else {
                    try await intake?.write(buffer)
                }
            }
            try Task.checkCancellation()
            guard length == nil || received == length else {
                throw UploadRefusal(.truncated, "the body has \(received) bytes, its head said \(length ?? 0)")
            }
        } catch {
            await intake?.discard()
            throw error
        }
        guard let intake else { return received == 0 ? .none : .bytes(kept) }
        let upload = try await intake.commit(type: contentType)
        count([upload])
        return .upload(upload)
    }

    private func form(_ body: RequestBody, _ boundary: [UInt8], _ length: Int?, _ place: Intake) async throws -> ReceivedBody {
        let (store, rules) = (place.store, place.rules)
        guard length ?? 0 <= rules.requestLimit else { throw tooLarge(rules.requestLimit) }
        var intake = FormIntake(store ?? NoStore(), boundary: boundary, rules: rules)
        var received = 0
        do {
            for try await buffer in body {
                received += buffer.readableBytes
                guard received <= rules.requestLimit else { throw tooLarge(rules.requestLimit) }
                try await intake.take(buffer)
            }
            try Task.checkCancellation()
            if received == 0, length ?? 0 == 0, place.mayBeNoForm {
                await intake.discard()
                return .none
            }
            try intake.finish()
        } catch {
            await intake.discard()
            throw error
        }
        count(intake.uploads)
        return .form(intake.parts, uploads: intake.uploads)
    }

    private func tooLarge(_ most: Int) -> UploadRefusal {
        UploadRefusal(.tooLarge, "the body has more than \(max(most, rules.bodyLimit)) bytes")
    }

    private func refused(_ refusal: UploadRefusal) -> UploadRefusal {
        Counter(label: "tempest_front_uploads_refused_total", dimensions: [("reason", "\(refusal.code)")]).increment()
        return refusal
    }

    private func count(_ uploads: [UploadReference]) {
        guard !uploads.isEmpty else { return }
        Counter(label: "tempest_front_uploads_total").increment(by: uploads.count)
        Counter(label: "tempest_front_upload_bytes_total").increment(by: uploads.reduce(0) { $0 + $1.size })
    }
}

/// Where no store is set: fields of forms are read, files are too large.
private struct NoStore: UploadStore {
    func begin() async throws -> any UploadDraft {
        throw UploadRefusal(.tooLarge, "files are not taken here: no folder for uploads is set")
    }
    func open(_ token: String) async throws -> StoredUpload? { nil }
    func keep(_ token: String) async throws -> Bool { false }
    func release(_ token: String) async throws {}
    func remove(_ token: String) async throws -> Bool { false }
    func sweep(olderThan age: Duration) async throws -> Int { 0 }
}
