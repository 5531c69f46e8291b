// A front's configuration from YAML, strictly: what is not understood is refused with its line. Before it: the text of a file. After it:
// FrontConfiguration.

import Tempest
import TempestCodecs
import Yams

/// Reads a configuration file; `tempest front --help` shows one.
public struct FrontFile {
    private let file: String

    /// - Parameter file: what messages call it.
    /// - Throws: ``FrontConfigurationError`` with file and line.
    public static func read(_ text: String, file: String) throws(FrontConfigurationError) -> FrontConfiguration {
        let reader = FrontFile(file: file)
        let root: Yams.Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw FrontConfigurationError("\(file): \(error)")
        }
        guard let root else { throw FrontConfigurationError("\(file) is empty") }
        return try reader.configuration(root)
    }

    private func configuration(_ root: Yams.Node) throws(FrontConfigurationError) -> FrontConfiguration {
        var settings = FrontConfiguration()
        for (key, value) in try pairs(root, "a front's settings") {
            switch key {
            case "listen": try at(value) { () throws(FrontConfigurationError) in try settings.listen(on: text(value, key)) }
            case "files": settings.files = try text(value, key)
            case "grace": settings.grace = try seconds(value, key)
            case "access_log": settings.accessLog = try bool(value, key)
            case "body": settings.rules.body = try integer(value, key, 1...(1 << 30))
            case "trust":
                let networks = try texts(value, key)
                try at(value) { () throws(FrontConfigurationError) in settings.rules.trusted = try TrustedProxies(networks) }
            case "tls": try tls(value, &settings)
            case "sub": settings.subscriptions = try texts(value, key)
            case "sessions": try sessions(value, &settings)
            case "uploads": try uploads(value, &settings)
            case "original": try original(value, &settings)
            case "routes":
                for node in try list(value, key) { settings.routes.append(try route(node)) }
            default: throw error(value, "there is no setting \(key.debugDescription)")
            }
        }
        // Wherever in the file it stands.
        settings.uploads?.rules.bodyLimit = settings.rules.body
        return settings
    }

    private func tls(_ node: Yams.Node, _ settings: inout FrontConfiguration) throws(FrontConfigurationError) {
        var (certificate, keyFile): (String?, String?)
        for (key, value) in try pairs(node, "tls") {
            switch key {
            case "certificate": certificate = try text(value, key)
            case "key": keyFile = try text(value, key)
            default: throw error(value, "tls has `certificate` and `key`, not \(key.debugDescription)")
            }
        }
        guard let certificate, let keyFile else { throw error(node, "tls needs `certificate` and `key`, two PEM files") }
        try at(node) { () throws(FrontConfigurationError) in try settings.secure(certificate: certificate, key: keyFile) }
    }

    private func sessions(_ node: Yams.Node, _ settings: inout FrontConfiguration) throws(FrontConfigurationError) {
        var rules = SessionRules()
        if case .scalar = node {
            settings.sessions = try bool(node, "sessions") ? rules : nil
            return
        }
        for (key, value) in try pairs(node, "sessions") {
            switch key {
            case "idle": rules.idle = .seconds(try integer(value, key, 1...(400 * 86_400)))
            case "absolute": rules.absolute = .seconds(try integer(value, key, 1...(400 * 86_400)))
            case "insecure": rules.isInsecure = try bool(value, key)
            default: throw error(value, "sessions have `idle`, `absolute` and `insecure`, not \(key.debugDescription)")
            }
        }
        settings.sessions = rules
    }

    private func uploads(_ node: Yams.Node, _ settings: inout FrontConfiguration) throws(FrontConfigurationError) {
        var uploads = UploadSettings(folder: "")
        for (key, value) in try pairs(node, "uploads") {
            switch key {
            case "folder": uploads.folder = try text(value, key)
            case "quota": uploads.quota = try integer(value, key, 1...(1 << 50))
            case "limit": uploads.rules.uploadLimit = try integer(value, key, 1...(1 << 50))
            case "request": uploads.rules.requestLimit = try integer(value, key, 1...(1 << 50))
            case "age": uploads.rules.age = .seconds(try integer(value, key, 1...(365 * 86_400)))
            case "url": uploads.rules.base = try text(value, key)
            default: throw error(value, "uploads have folder, quota, limit, request, age and url, not \(key.debugDescription)")
            }
        }
        guard !uploads.folder.isEmpty else { throw error(node, "uploads need a `folder`") }
        settings.uploads = uploads
    }

    private func original(_ node: Yams.Node, _ settings: inout FrontConfiguration) throws(FrontConfigurationError) {
        for (key, value) in try pairs(node, "original") {
            switch key {
            case "host": settings.original.host = try text(value, key)
            case "listen": settings.original.listen = try text(value, key)
            case "port": settings.original.port = try integer(value, key, 0...65535)
            case "peers":
                let networks = try texts(value, key)
                settings.original.peers = try at(value) { () throws(FrontConfigurationError) in
                    do { return try AllowedNetworks(networks) } catch { throw FrontConfigurationError("\(error)") }
                }
            default: throw error(value, "original has host, listen, port and peers, not \(key.debugDescription)")
            }
        }
    }

    private func route(_ node: Yams.Node) throws(FrontConfigurationError) -> FrontRoute {
        let fields = try pairs(node, "a route")
        guard let path = fields.first(where: { $0.0 == "path" })?.1 else { throw error(node, "the route has no `path`") }
        guard let queue = fields.first(where: { $0.0 == "queue" })?.1 else { throw error(node, "the route has no `queue`") }
        let pattern = try text(path, "path")
        let name = try text(queue, "queue")
        var route = try at(node) { () throws(FrontConfigurationError) in try FrontRoute("\(pattern)=\(name)") }
        for (key, value) in fields {
            switch key {
            case "path", "queue": break
            case "level":
                let name = try text(value, key)
                route.level = try at(value) { () throws(FrontConfigurationError) in
                    do { return try Level(name) } catch { throw FrontConfigurationError("\(error)") }
                }
            case "action": route.action = try text(value, key)
            case "route":
                let steps = try text(value, key)
                route.route = try at(value) { () throws(FrontConfigurationError) in
                    do { return try Route(steps) } catch { throw FrontConfigurationError("`route`: \(error)") }
                }
            case "deadline": route.deadline = try seconds(value, key)
            case "pending": route.pending = try integer(value, key, 1...10_000_000)
            case "window": route.window = try integer(value, key, 0...10_000)
            case "user": route.requiresUser = try bool(value, key)
            case "login": route.login = try text(value, key)
            case "socket": route.isSocket = try bool(value, key)
            case "original": route.isOriginal = try bool(value, key)
            case "origins": route.origins = Set(try texts(value, key))
            case "codec":
                let name = try text(value, key)
                guard let codec = CodecSet.standard.named(name) else {
                    throw error(
                        value,
                        "there is no codec \(name.debugDescription); there are \(CodecSet.standard.names.joined(separator: ", "))"
                    )
                }
                route.codec = codec
            default: throw error(value, "a route has no \(key.debugDescription)")
            }
        }
        return route
    }

    // MARK: Nodes

    private func pairs(_ node: Yams.Node, _ what: String) throws(FrontConfigurationError) -> [(String, Yams.Node)] {
        guard case .mapping(let mapping) = node else { throw error(node, "\(what): expected a map") }
        var pairs: [(String, Yams.Node)] = []
        for (key, value) in mapping {
            guard case .scalar(let name) = key else { throw error(key, "\(what): a key is text") }
            pairs.append((name.string, value))
        }
        return pairs
    }

    private func list(_ node: Yams.Node, _ key: String) throws(FrontConfigurationError) -> [Yams.Node] {
        guard case .sequence(let items) = node else { throw error(node, "`\(key)`: expected a list") }
        return Array(items)
    }

    private func text(_ node: Yams.Node, _ key: String) throws(FrontConfigurationError) -> String {
        guard case .scalar(let scalar) = node, !scalar.string.isEmpty else { throw error(node, "`\(key)`: expected text") }
        return scalar.string
    }

    private func texts(_ node: Yams.Node, _ key: String) throws(FrontConfigurationError) -> [String] {
        if case .scalar = node { return [try text(node, key)] }
        var texts: [String] = []
        for item in try list(node, key) { texts.append(try text(item, key)) }
        return texts
    }

    private func integer(_ node: Yams.Node, _ key: String, _ range: ClosedRange<Int>) throws(FrontConfigurationError) -> Int {
        guard let number = Int(try text(node, key)), range.contains(number) else {
            throw error(node, "`\(key)`: expected a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private func seconds(_ node: Yams.Node, _ key: String) throws(FrontConfigurationError) -> Duration {
        guard let number = Double(try text(node, key)), number >= 0, number <= 86_400 else {
            throw error(node, "`\(key)`: expected seconds from 0 to 86400")
        }
        return .seconds(number)
    }

    private func bool(_ node: Yams.Node, _ key: String) throws(FrontConfigurationError) -> Bool {
        switch try text(node, key) {
        case "true": return true
        case "false": return false
        default: throw error(node, "`\(key)`: expected true or false")
        }
    }

    private func error(_ node: Yams.Node, _ message: String) -> FrontConfigurationError {
        FrontConfigurationError("\(file)\(node.mark.map { ", line \($0.line)" } ?? ""): \(message)")
    }

    /// Says where, when something else says what.
    private func at<R>(_ node: Yams.Node, _ body: () throws(FrontConfigurationError) -> R) throws(FrontConfigurationError) -> R {
        do { return try body() } catch { throw self.error(node, error.description) }
    }
}
