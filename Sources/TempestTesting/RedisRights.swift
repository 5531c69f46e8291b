// The rights of protocol/queues.md: its table is read, so that what is tested is what is written.
// Between a private Redis and tests that work as one of its users.

import Foundation
import Logging
package import TempestRedis

/// What the section *Rights* says.
package enum RedisRights {
    private static let password = "secret"

    /// Who -> the rights of his row and of those that it names.
    package static func table() throws -> [String: [String]] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("protocol/queues.md"), encoding: .utf8)
        guard let start = text.firstRange(of: "\n## Rights\n") else {
            throw TestingError("protocol/queues.md has no section Rights")
        }
        let section = text[start.upperBound...]
        var rows: [String: [String]] = [:]
        for line in section[..<(section.firstRange(of: "\n## ")?.lowerBound ?? section.endIndex)].split(separator: "\n") {
            let cells = line.replacing("\\|", with: "\0").split(separator: "|").map {
                $0.replacing("\0", with: "|").trimmingCharacters(in: .whitespaces)
            }
            guard line.hasPrefix("|"), cells.count == 2, !cells[0].hasPrefix("-") else { continue }
            var rights: [String] = []
            for other in cells[1].matches(of: #/\*([a-z ]+)\*/#) { rights += rows[String(other.1)] ?? [] }
            for words in cells[1].matches(of: #/`([^`]*)`/#) {
                rights += words.1.split(separator: " ").map(String.init).filter { "~&+".contains($0.prefix(1)) }
            }
            rows[cells[0]] = unique(rights)
        }
        return rows
    }

    /// What a user needs, as words for `ACL SETUSER`.
    package static func words(
        _ who: String, queues: [String] = ["q"], channel: String = "news"
    ) throws -> [String] {
        let rows = try table()
        guard let connection = rows["each connection"], let own = rows[who] else {
            throw TestingError("the table of rights in protocol/queues.md has no row for \(who)")
        }
        return unique(
            (connection + own).flatMap { right in
                guard !right.hasPrefix("+") else { return [right] }
                return queues.map { right.replacing("Q", with: $0).replacing("<channel>", with: channel) }
            })
    }

    private static func unique(_ words: [String]) -> [String] {
        var seen: Set<String> = []
        return words.filter { seen.insert($0).inserted }
    }

    fileprivate static func make(_ name: String, _ words: [String], _ redis: PrivateRedis) async throws -> String {
        let rule = ["ACL", "SETUSER", name, "reset", "on", ">\(password)", "resetkeys", "resetchannels", "-@all"] + words
        _ = try await redis.administrate(RedisCommand(rule.map { .init($0) }))
        return redis.url.replacing("unix://", with: "unix://\(name):\(password)@")
    }
}

extension PrivateRedis {
    /// Sends a command as the default user.
    @discardableResult
    package func administrate(_ command: RedisCommand) async throws -> RedisReply {
        let client = RedisClient(try RedisConfiguration(url: url), name: "administrator", logger: Logger(label: "administrator"))
        do {
            let reply = try await client.execute(command)
            await client.shutdown()
            return reply
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// Makes a user with exactly the rights of a row; the URL by which he comes in.
    package func user(
        _ who: String, name: String? = nil, queues: [String] = ["q"], channel: String = "news"
    ) async throws -> String {
        let words = try RedisRights.words(who, queues: queues, channel: channel)
        return try await RedisRights.make(name ?? who.replacing(" ", with: "-"), words, self)
    }

    /// What Redis has refused to whom since it was asked the last time: user, reason and what it was about.
    package func denials() async throws -> [String] {
        let log = try await administrate(["ACL", "LOG"]).array ?? []
        try await administrate(["ACL", "LOG", "RESET"])
        let said = log.map { entry in
            let words = entry.array ?? []
            var fields: [String: String] = [:]
            for place in stride(from: 0, to: words.count - 1, by: 2) {
                fields[words[place].string ?? ""] = words[place + 1].string
            }
            let shown = ["username", "reason", "object"].map { fields[$0] ?? "" }
            return shown.joined(separator: " ")
        }
        return Set(said).sorted()
    }
}
