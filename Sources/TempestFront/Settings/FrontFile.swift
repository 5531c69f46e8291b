// A front's configuration from YAML, strictly: what is not understood is refused with its line.

import Tempest
import TempestCodecs
import Yams

/// Reads a configuration file; `tempest front --help` shows one, and ``reference`` lists every key.
public enum FrontFile {
    /// - Parameters:
    ///   - file: what messages call it.
    ///   - checksFolders: whether folders must be there that are served or written to.
    ///   - changes: what is set besides the file, before settings are checked that depend on each other.
    /// - Throws: ``FrontConfigurationError`` with file and line.
    public static func read(
        _ text: String, file: String, checksFolders: Bool = false,
        changes: (inout FrontConfiguration) throws(FrontConfigurationError) -> Void = { _ in }
    ) throws(FrontConfigurationError) -> FrontConfiguration {
        let root: Yams.Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw Self.error(error, in: text, file: file)
        }
        guard let root else { throw FrontConfigurationError("\(file) is empty") }
        var settings = standard
        let node = SettingNode(root, key: "", file: file)
        for value in try node.pairs("a front") where !front.has(value.key) && route.has(value.key) {
            throw value.error("`\(value.key)` is a setting of a route: write it into `routes`")
        }
        try front.read(node, into: &settings)
        try changes(&settings)
        // Wherever in the file it stands.
        settings.uploads?.rules.bodyLimit = settings.rules.body
        for node in try node.pairs("a front") {
            switch node.key {
            case "routes": try checkRoutes(node, of: settings)
            case "files", "uploads": if checksFolders { fallthrough }
            default: try node.locating { () throws(FrontConfigurationError) in try settings.check(node.key) }
            }
        }
        return settings
    }

    /// What is wrong with a text that is no YAML, with its line, and without the rest of the text: there may be secrets in it.
    private static func error(_ error: any Error, in text: String, file: String) -> FrontConfigurationError {
        let (line, problem): (Int?, String)
        switch error as? YamlError {
        case .scanner(_, let what, let mark, _)?, .parser(_, let what, let mark, _)?, .composer(_, let what, let mark, _)?:
            (line, problem) = (mark.line, what)
        case .reader(let what, let offset, _, _)?:
            line = offset.map { text.utf8.prefix($0).count { $0 == UInt8(ascii: "\n") } + 1 }
            problem = what
        case .duplicatedKeysInMapping(let names, let context)?:
            line = Self.line(of: names, in: text, from: context.mark)
            problem = names.sorted().map { "`\($0)`" }.joined(separator: ", ") + ": a key is there twice"
        default: (line, problem) = (nil, "\(error)")
        }
        return FrontConfigurationError("\(file)\(line.map { ", line \($0)" } ?? ""): \(problem)")
    }

    /// The line where a key is there again.
    ///
    /// - Parameter mark: where it is first: the keys of a map stand below each other, or all on one line.
    private static func line(of names: [String], in text: String, from mark: Mark) -> Int {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).dropFirst(max(0, mark.line - 1))
        func isKey(_ text: Substring, _ name: String) -> Bool {
            let rest = text.drop { "\"'".contains($0) }
            return rest.hasPrefix(name) && rest.dropFirst(name.count).drop { "\"' ".contains($0) }.first == ":"
        }
        guard let first = lines.first else { return mark.line }
        let rest = first.dropFirst(mark.column).drop { $0 != ":" }
        if rest.indices.contains(where: { place in names.contains { isKey(rest[place...], $0) } }) { return mark.line }
        let again = lines.indices.dropFirst().first { index in
            names.contains { isKey(lines[index].dropFirst(mark.column - 1), $0) }
        }
        return again.map { $0 + 1 } ?? mark.line
    }

    /// What holds where the file does not say otherwise: who writes a file has balancers, or will have.
    private static var standard: FrontConfiguration {
        var settings = FrontConfiguration()
        settings.lame = .seconds(5)
        return settings
    }

    /// Every key with its default and its meaning, as Markdown: docs/front-settings.md.
    public static var reference: String {
        let sections: [(String, String)] = [
            ("Keys of the file", front.markdown), ("Keys of a route, in the list `routes`", route.markdown),
            ("Keys of `cors`, in a route", cors.markdown), ("Keys of `files`", files.markdown),
            ("Keys of `tls`", tls.markdown), ("Keys of `redirect`", redirect.markdown), ("Keys of `sessions`", sessions.markdown),
            ("Keys of `uploads`", uploads.markdown), ("Keys of `original`", original.markdown),
        ]
        let introduction = """
            # Settings of the front

            Every key of the file that `tempest front --config FILE` reads. An empty default: the key sets nothing unless it is given. \
            This page is what `tempest front --settings` prints; [front.md](front.md) explains.
            """
        return introduction + sections.map { "\n\n## \($0)\n\n\($1)" }.joined() + "\n"
    }

    private static var front: SettingTable<FrontConfiguration> {
        SettingTable("a front", reference: standard) { make in
            [
                Setting(
                    "listen", default: "127.0.0.1:8080",
                    "where to listen: `HOST:PORT`, `:PORT` for all addresses, `unix:PATH`, or a list of these; port 0 is any free one"
                ) { node, settings throws(FrontConfigurationError) in
                    let texts = try node.texts()
                    try node.locating { () throws(FrontConfigurationError) in try settings.listen(on: texts) }
                },
                make.bool("reuse", \.reusesPort, "several fronts may listen on one port (`SO_REUSEPORT`)"),
                Setting("mode", "the permissions of a unix socket, such as `660`; without it the umask's") {
                    node, settings throws(FrontConfigurationError) in
                    guard let mode = UInt32(try node.text(), radix: 8), mode <= 0o777 else {
                        throw node.error("`mode`: expected permissions in octal, such as 660")
                    }
                    settings.socketMode = mode
                },
                Setting("routes", "a list of routes, below") { node, settings throws(FrontConfigurationError) in
                    for node in try node.list() { try FrontFile.append(node, to: &settings) }
                },
                Setting("files", "a folder whose files are served where no route but `/*` matches, or the map below") {
                    node, settings throws(FrontConfigurationError) in settings.files = try FrontFile.files(node)
                },
                Setting("tls", "the map below: TLS 1.2 and newer, HTTP/2 and HTTP/1.1") {
                    node, settings throws(FrontConfigurationError) in
                    var files = SecureFiles()
                    try tls.read(node, into: &files)
                    guard let certificate = files.certificate, let key = files.key else {
                        throw node.error("tls needs `certificate` and `key`, two PEM files")
                    }
                    try node.locating { () throws(FrontConfigurationError) in
                        try settings.secure(certificate: certificate, key: key)
                    }
                },
                Setting(
                    "redirect",
                    "with `tls`: where to listen for plain HTTP too, such as `:80`, and redirect every request to https; or the map below"
                ) { node, settings throws(FrontConfigurationError) in
                    settings.redirect = try FrontFile.redirect(node)
                },
                make.integer(
                    "waiting", \.waiting,
                    "bytes that may wait for slow clients, over all connections; above it the connection for which most waits is cut",
                    in: (1 << 20)...(1 << 40)),
                make.integer(
                    "body", \.rules.body, "bytes of the largest body that travels in a job; above it 413", in: 1...(1 << 30)),
                Setting(
                    "trust", "networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed: an address, or `10.0.0.0/8`"
                ) { node, settings throws(FrontConfigurationError) in
                    let networks = try node.texts()
                    settings.rules.trusted = try node.locating { () throws(FrontConfigurationError) in
                        try TrustedProxies(networks)
                    }
                },
                Setting(
                    "sub",
                    "channels that browsers may follow at `/sub/CHANNEL`: names, or patterns with `*`, and with `{user}` for who is logged in"
                ) { node, settings throws(FrontConfigurationError) in
                    settings.subscriptions = try node.texts()
                    // Whether there are users is known when all is read.
                    let nobody: ChannelPolicy.User = { _ in nil }
                    do {
                        _ = try ChannelPolicy(patterns: settings.subscriptions, user: nobody)
                    } catch {
                        throw node.error("\(error)")
                    }
                },
                Setting("sessions", default: "false", "`true`, or the map below") {
                    node, settings throws(FrontConfigurationError) in
                    var rules = SessionRules()
                    if node.isScalar {
                        settings.sessions = try node.bool() ? rules : nil
                    } else {
                        try sessions.read(node, into: &rules)
                        do { try rules.check() } catch { throw node.error("\(error)") }
                        settings.sessions = rules
                    }
                },
                Setting("uploads", "the map below: large bodies and files of forms are put aside") {
                    node, settings throws(FrontConfigurationError) in
                    var uploads = UploadSettings(folder: "")
                    try self.uploads.read(node, into: &uploads)
                    guard !uploads.folder.isEmpty else { throw node.error("uploads need a `folder`") }
                    settings.uploads = uploads
                },
                Setting("original", "the map below, for routes with `original: true`") {
                    node, settings throws(FrontConfigurationError) in try original.read(node, into: &settings.original)
                },
                make.bool(
                    "gzip", \.compresses,
                    "whether text is compressed for those who take gzip: not streams of events, pieces, nor what is compressed already"
                ),
                Setting("headers", "a map of headers for all responses; an empty value takes a header away") {
                    node, settings throws(FrontConfigurationError) in try FrontFile.headers(node, &settings.headers)
                },
                make.seconds("patience", \.patience, "seconds that a request waits for a Redis that is away; then 503"),
                make.seconds("grace", \.grace, "seconds from SIGTERM until everything is ended that is still held"),
                make.seconds(
                    "lame", \.lame,
                    "the first seconds of these, but for one: everything is served, `/readyz` is 503, so that balancers go elsewhere"
                ),
                Setting(
                    "access_log", default: "log",
                    "`log`: with the program's own log; `common`, `combined` (as nginx and Apache write it) or `json`: lines on standard output; `false`: none"
                ) { node, settings throws(FrontConfigurationError) in
                    let text = try node.text()
                    switch text {
                    case "true": settings.accessLog = .log
                    case "false": settings.accessLog = nil
                    default:
                        guard let format = AccessLogFormat(rawValue: text) else {
                            let names = AccessLogFormat.allCases.map(\.rawValue).joined(separator: ", ")
                            throw node.error("`access_log`: expected \(names) or false, not \(text.debugDescription)")
                        }
                        settings.accessLog = format
                    }
                },
            ]
        }
    }

    /// The two files of `tls`, before they are read.
    private struct SecureFiles {
        var certificate: String?
        var key: String?
    }

    private static var tls: SettingTable<SecureFiles> {
        SettingTable("tls", reference: SecureFiles()) { make in
            [
                make.optionalText("certificate", \.certificate, "the certificate and its chain, a PEM file"),
                make.optionalText("key", \.key, "the private key, a PEM file"),
            ]
        }
    }

    /// Where to listen, and the port to name, before they are read together.
    private struct Redirect {
        var listen: [String] = []
        var port: Int?
    }

    private static func redirect(_ node: SettingNode) throws(FrontConfigurationError) -> SecureRedirect {
        var keys = Redirect()
        if node.isMap { try redirect.read(node, into: &keys) } else { keys.listen = try node.texts() }
        return try node.locating { () throws(FrontConfigurationError) in
            try SecureRedirect(listen: keys.listen, port: keys.port)
        }
    }

    private static var redirect: SettingTable<Redirect> {
        SettingTable("redirect", reference: Redirect()) { _ in
            [
                Setting("listen", "an address or a list, as above; needed") { node, keys throws(FrontConfigurationError) in
                    keys.listen = try node.texts()
                },
                Setting("port", default: "that of `listen`", "the port that browsers are sent to, if they see another") {
                    node, keys throws(FrontConfigurationError) in keys.port = try node.integer(1...65535)
                },
            ]
        }
    }

    private static var sessions: SettingTable<SessionRules> {
        SettingTable("sessions", reference: SessionRules()) { make in
            [
                make.seconds("idle", \.idle, "seconds that a session lasts unused", in: 1...(400 * 86_400)),
                make.seconds("absolute", \.absolute, "seconds that a session lasts at most", in: 1...(400 * 86_400)),
                make.bool("insecure", \.isInsecure, "for development without TLS: the cookie is sent over plain HTTP"),
            ]
        }
    }

    private static var uploads: SettingTable<UploadSettings> {
        SettingTable("uploads", reference: UploadSettings(folder: "")) { make in
            [
                make.text("folder", \.folder, "where they are kept; needed"),
                make.integer("quota", \.quota, "bytes of the whole folder; above it 507", in: 1...(1 << 50)),
                Setting(
                    "quota_per_address", default: "a tenth of `quota`",
                    "bytes that the requests of one address may bring at once (IPv6: by /64); above it 429"
                ) { node, uploads throws(FrontConfigurationError) in
                    uploads.quotaPerAddress = try node.integer(1...(1 << 50))
                },
                make.integer("limit", \.rules.uploadLimit, "bytes of one upload; above it 413", in: 1...(1 << 50)),
                make.integer("request", \.rules.requestLimit, "bytes of one request; above it 413", in: 1...(1 << 50)),
                make.seconds("age", \.rules.age, "seconds after which an upload is swept", in: 1...(365 * 86_400)),
                make.optionalText(
                    "url", \.rules.base,
                    "what workers that do not share the folder put before a token: `http://10.0.0.7:8080/uploads/`"),
            ]
        }
    }

    private static var original: SettingTable<OriginalOptions> {
        SettingTable("original", reference: OriginalOptions()) { make in
            [
                make.text("host", default: "127.0.0.1", \.host, "the IPv4 address or name that workers are told to connect to"),
                make.optionalText("listen", \.listen, "the address that is listened at, if another"),
                make.integer("port", \.port, "0: any free one", in: 0...65535),
                Setting("peers", default: "loopback", "networks that may answer") {
                    node, options throws(FrontConfigurationError) in
                    let networks = try node.texts()
                    do { options.peers = try AllowedNetworks(networks) } catch { throw node.error("\(error)") }
                },
            ]
        }
    }
}
