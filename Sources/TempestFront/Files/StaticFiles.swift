// The files of a folder, as RFC 9110 has them served: conditions, ranges, compressed files beside them. Asked by the front's responder, or
// by an application's router.

import HTTPTypes
public import Hummingbird
public import Logging
import NIOCore
public import NIOPosix
import Tempest

/// Serves the files of a folder by GET and HEAD.
///
/// ```swift
/// let files = try StaticFiles(StaticFilesOptions(folder: "public"))
/// router.get("**") { request, _ in
///     guard let response = try await files.respond(to: request) else { throw HTTPError(.notFound) }
///     return response
/// }
/// ```
///
/// Names that begin with a dot are not served, but `.well-known`; links are followed, also out of the folder; pipes and devices are not
/// read. Files are read on threads of their own in pieces of 128 KiB. One that becomes shorter while it is sent breaks the connection off.
public final class StaticFiles: Sendable {
    public let options: StaticFilesOptions
    let errorPages: ErrorPages
    private let threads: DiskThreads
    private let logger: Logger

    /// Looks at the folder and reads its pages for errors. Blocks.
    ///
    /// - Throws: ``FrontConfigurationError`` for a folder or a page that is not there.
    public init(
        _ options: StaticFilesOptions, threadPool: NIOThreadPool = .singleton, logger: Logger = Logger(label: "tempest.files")
    ) throws(FrontConfigurationError) {
        (self.options, self.logger, threads) = (options, logger, DiskThreads(threadPool))
        guard !options.folder.isEmpty else { throw FrontConfigurationError("files: the folder has no name") }
        switch try Self.opened(options.folder, "the folder \(options.folder)") {
        case .folder: break
        case .file: throw FrontConfigurationError("files: \(options.folder) is a file: name the folder that it is in")
        case .nothing: throw FrontConfigurationError("files: there is no folder \(options.folder)")
        }
        if let fallback = options.fallback { _ = try Self.page(fallback, of: options, "the fallback page") }
        errorPages = try ErrorPages(options)
    }

    /// The response for a path of the folder; nil: there is no such file, and the path may be somebody else's.
    ///
    /// - Parameter path: below the folder, as it was sent, from `/` on and without a query; nil: the request's own. For a router that
    ///   serves the folder below a path of its own.
    /// - Throws: an error when the threads for files have ended, or a file becomes shorter each time that it is read.
    public func respond(to request: Request, path: String? = nil) async throws -> Response? {
        do {
            return try await answer(request.head, path: path.map { $0[...] }, isLast: true)
        } catch let refusal as Refusal {
            let response = errorPages.response(to: refusal, asked: request.headers)
            return request.method == .head ? response.createHeadResponse() : response
        }
    }

    /// The same, but refusals are thrown. `isLast`: nobody is asked after the files. `hasFallback`: the fallback page stands for what is not there.
    func answer(
        _ head: HTTPRequest, path: Substring? = nil, isLast: Bool, hasFallback: Bool = true
    ) async throws -> Response? {
        let own = Substring((head.path ?? "/").utf8.prefix { $0 != UInt8(ascii: "?") })
        guard let asked = FilePath(own), let wanted = path == nil ? asked : FilePath(path ?? own) else { return nil }
        do {
            do {
                return try await threads.run { try self.look(head, wanted, asked, isLast, hasFallback) }
            } catch is FileShrunk {
                // It was written anew at that moment.
                return try await threads.run { try self.look(head, wanted, asked, isLast, hasFallback) }
            }
        } catch let problem as FileProblem {
            guard !problem.mayPass else { throw Refusal.busy("The file cannot be read at present.") }
            throw Refusal(.internalServerError, "The file cannot be read.")
        }
    }

    // MARK: On a thread for files

    private func look(
        _ head: HTTPRequest, _ wanted: FilePath, _ asked: FilePath, _ isLast: Bool, _ hasFallback: Bool
    ) throws -> Response? {
        let isRead = head.method == .get || head.method == .head
        if wanted.isVisible, let found = try find(wanted) {
            switch found {
            case .redirect:
                guard isRead else { return nil }
                let query = (head.path ?? "").drop { $0 != "?" }
                return Response(status: .movedPermanently, headers: [.location: "\(asked.encoded)/\(query)"])
            case .file(let file, let name, let isIndex):
                if isRead { return try respond(head, file, name) }
                // What is sent to a folder may be for the application, whose page its index is.
                if isIndex, !isLast { return nil }
                return try refuse(head.method)
            }
        }
        guard isRead, hasFallback, let fallback = options.fallback, !wanted.hasExtension, wanted.isVisible,
            QualityList.acceptsPages(head.headerFields),
            let page = FilePath("/\(fallback)"), case .file(let file, let name, _)? = try find(page)
        else { return nil }
        return try respond(head, file, name)
    }

    private enum Found {
        /// `name`: from `/` on.
        case file(OpenFile, name: [UInt8], isIndex: Bool)
        /// To the folder's own path.
        case redirect
    }

    private func find(_ path: FilePath) throws -> Found? {
        var name = path.bytes
        switch try open(name) {
        case .nothing: return nil
        // A file is no folder, whatever the file system makes of the slash.
        case .file(let file): return path.endsWithSlash ? nil : .file(file, name: name, isIndex: false)
        case .folder:
            guard path.endsWithSlash else { return .redirect }
            name += "index.html".utf8
            guard case .file(let file) = try open(name) else { return nil }
            return .file(file, name: name, isIndex: true)
        }
    }

    private func open(_ name: [UInt8]) throws -> OpenFile.Found {
        do {
            return try OpenFile.open(Array(options.folder.utf8) + name)
        } catch {
            let name = String(decoding: name, as: UTF8.self)
            logger.warning("a file cannot be read", metadata: ["name": "\(name)", "error": "\(error)"])
            guard error.isForbidden else { throw error }
            return .nothing
        }
    }

    private func respond(_ head: HTTPRequest, _ file: OpenFile, _ name: [UInt8]) throws -> Response {
        let text = String(decoding: name, as: UTF8.self)
        var reply = FileReply(head: head, file: file, threads: threads, type: FileType.of(text, more: options.types))
        reply.cacheControl = options.cache.first { $0.matches(text) }?.value
        if options.usesCompressed {
            var available: [(coding: ContentCoding, file: OpenFile)] = []
            for coding in ContentCoding.allCases where !text.hasSuffix(coding.suffix) {
                guard case .file(let compressed) = try open(name + coding.suffix.utf8), compressed.isAsNew(as: file) else {
                    continue
                }
                available.append((coding, compressed))
            }
            reply.varies = !available.isEmpty
            let chosen = ContentCoding.choose(head.headerFields[.acceptEncoding], of: available.map(\.coding))
            if let chosen, let compressed = available.first(where: { $0.coding == chosen })?.file {
                (reply.file, reply.coding) = (compressed, chosen)
            }
        }
        return try reply.response()
    }

    private func refuse(_ method: HTTPRequest.Method) throws(Refusal) -> Response {
        let allow: HTTPFields = [.allow: "GET, HEAD, OPTIONS"]
        guard method == .options else {
            throw Refusal(.methodNotAllowed, "This is a file: it can be had by GET.", headers: allow)
        }
        var response = Response(status: .noContent, headers: allow)
        response.headers[.contentLength] = nil
        return response
    }

    // MARK: At the start

    /// A page that the options name. Throws ``FrontConfigurationError`` when it is not there.
    static func page(
        _ name: String, of options: StaticFilesOptions, _ what: String
    ) throws(FrontConfigurationError) -> OpenFile {
        guard !name.split(separator: "/").contains("..") else {
            throw FrontConfigurationError("files: \(what), \(name), leads out of \(options.folder): name a file in it")
        }
        guard case .file(let file) = try opened("\(options.folder)/\(name)", "\(what), \(name),") else {
            throw FrontConfigurationError("files: \(what), \(name), is not a file in \(options.folder)")
        }
        return file
    }

    private static func opened(_ path: String, _ what: String) throws(FrontConfigurationError) -> OpenFile.Found {
        do { return try OpenFile.open(Array(path.utf8)) } catch {
            throw FrontConfigurationError("files: \(what) cannot be read: \(error)")
        }
    }
}
