// What a front does with the files of a folder. In a front's file: `files`.

/// How ``StaticFiles`` serves a folder.
public struct StaticFilesOptions: Sendable, Hashable {
    /// The folder. It may be a link, which is followed anew for each request.
    public var folder: String
    /// Files whose pattern fits are sent with this `Cache-Control`; the first rule that fits counts. None: files are sent without one.
    public var cache: [CacheRule] = []
    /// A page of the folder, such as `index.html`, that is sent with 200 where there is no file: for applications that run in one page. Only
    /// for GET and HEAD of those who accept HTML, and not for paths whose last name has a dot. nil: there is none.
    public var fallback: String?
    /// Pages of the folder, by the status (400 to 599) with which they are sent to those who accept HTML. They are read once, at the start.
    public var errors: [Int: String] = [:]
    /// Content types by a file name's extension, in lower case and without the dot, or by a whole file name; besides those that are known.
    public var types: [String: String] = [:]
    /// Whether `x.js.br` and `x.js.gz` are sent in place of `x.js` to those who accept them. Default true.
    public var usesCompressed = true

    public init(folder: String) { self.folder = folder }
}
