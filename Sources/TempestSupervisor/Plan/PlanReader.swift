// Reads groups of workers from YAML, strictly: what is not understood is refused with its line.
// Before it: the text of a file; after it: Supervisor runs the groups.

import Yams

/// Reads a plan.
///
/// ```yaml
/// workers:
///   - name: web
///     command: [python3, worker.py]
///     count: 4
/// ```
package struct PlanReader {
    /// What messages call the file.
    let file: String

    private static let keys = [
        "name", "command", "count", "environment", "directory", "memory", "restart", "grace", "ready", "ready_within",
    ]

    /// - Parameter file: what messages call it.
    /// - Throws: ``PlanError`` with the line.
    package static func read(_ text: String, file: String) throws(PlanError) -> [WorkerGroup] {
        let reader = PlanReader(file: file)
        guard text.utf8.count <= 1 << 20 else { throw PlanError("\(file) is larger than 1 MiB: this is no plan of workers") }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw reader.syntax(error)
        }
        guard let root else { throw reader.error(nil, "it is empty; expected `workers:` with a list of groups") }
        return try reader.groups(root)
    }

    private func groups(_ root: Node) throws(PlanError) -> [WorkerGroup] {
        let fields = try self.fields(root, of: "the plan", allowed: ["workers"], expected: "`workers:` with a list of groups")
        guard let (key, list) = fields["workers"] else { throw error(root, "`workers:` is missing: a list of groups") }
        guard case .sequence(let items) = list, !items.isEmpty else {
            throw error(key, "`workers` is \(kind(list)); expected a list of groups, each beginning with `- name:`")
        }
        var groups: [WorkerGroup] = []
        for item in items {
            let group = try self.group(item)
            if groups.contains(where: { $0.name == group.name }) {
                throw error(item, "there is another group named \(group.name); names must differ")
            }
            groups.append(group)
        }
        return groups
    }

    private func group(_ node: Node) throws(PlanError) -> WorkerGroup {
        let fields = try self.fields(node, of: "a group", allowed: Self.keys, expected: "a group with `name:` and `command:`")
        guard let name = fields["name"] else { throw error(node, "the group has no `name:`") }
        guard let command = fields["command"] else { throw error(node, "the group has no `command:`") }
        let text = try self.text(name.value, "name", "a name, \(WorkerGroup.nameRule)")
        guard WorkerGroup.allows(name: text) else {
            throw error(name.value, "\(quoted(text)) is no name; expected \(WorkerGroup.nameRule)")
        }
        var group = WorkerGroup(name: text, command: try self.command(command.value))
        for key in Self.keys {
            if let (_, value) = fields[key] { try self.set(key, value, in: &group) }
        }
        return group
    }

    private func set(_ key: String, _ value: Node, in group: inout WorkerGroup) throws(PlanError) {
        switch key {
        case "count":
            guard let count = Int(try self.text(value, key, "a whole number")), WorkerGroup.counts.contains(count) else {
                throw error(
                    value, "`count` is \(shown(value)); expected a whole number from 1 to \(WorkerGroup.counts.upperBound)")
            }
            group.count = count
        case "environment":
            for (name, (_, node)) in try self.fields(value, of: "`environment`", allowed: nil, expected: "a map of variables") {
                guard !name.isEmpty, !name.contains("="), !name.contains("\0") else {
                    throw error(node, "\(quoted(name)) is no name of a variable")
                }
                guard name != "TEMPEST_PROCESS" else {
                    throw error(node, "TEMPEST_PROCESS is the supervisor's: it names each worker anew")
                }
                let text = try self.text(node, name, "text")
                guard !text.contains("\0") else { throw error(node, "`\(name)` has a zero byte in it") }
                group.environment[name] = text
            }
        case "directory":
            group.directory = try self.text(value, key, "a path")
        case "memory":
            guard let bytes = ByteSize.parse(try self.text(value, key, ByteSize.rule)) else {
                throw error(value, "`memory` is \(shown(value)); expected \(ByteSize.rule)")
            }
            group.memoryLimit = bytes
        case "restart":
            guard let restart = WorkerGroup.Restart(rawValue: try self.text(value, key, "a word")) else {
                let words = WorkerGroup.Restart.allCases.map(\.rawValue).joined(separator: ", ")
                throw error(value, "`restart` is \(shown(value)); expected one of \(words)")
            }
            group.restart = restart
        case "grace":
            group.grace = try self.seconds(value, key)
        case "ready_within":
            group.readyWithin = try self.seconds(value, key)
        case "ready":
            if case .scalar(let scalar) = value, scalar.string == "registered" {
                group.ready = .registered
            } else {
                group.ready = .started(try self.seconds(value, key, or: "`registered` or "))
            }
        default:
            break
        }
    }

    private func command(_ node: Node) throws(PlanError) -> [String] {
        guard case .sequence(let words) = node else {
            guard case .scalar(let scalar) = node else {
                throw error(node, "`command` is \(kind(node)); expected a list of words")
            }
            let list = scalar.string.split(separator: " ").map { quoted(String($0)) }.joined(separator: ", ")
            throw error(node, "`command` is a text; expected a list, because no shell reads it: [\(list)]")
        }
        var command: [String] = []
        for word in words { command.append(try self.text(word, "command", "a list of words")) }
        guard let program = command.first, !program.isEmpty else { throw error(node, "`command` is empty; expected a program") }
        guard !command.contains(where: { $0.contains("\0") }) else { throw error(node, "`command` has a zero byte in it") }
        return command
    }

    private func seconds(_ node: Node, _ key: String, or other: String = "") throws(PlanError) -> Duration {
        let expected = "\(other)a number of seconds from 0 to 86400"
        guard let seconds = Double(try self.text(node, key, expected)), (0...86400).contains(seconds) else {
            throw error(node, "`\(key)` is \(shown(node)); expected \(expected)")
        }
        return .seconds(seconds)
    }

    // MARK: Nodes

    private func fields(
        _ node: Node, of what: String, allowed: [String]?, expected: String
    ) throws(PlanError) -> [String: (key: Node, value: Node)] {
        guard case .mapping(let mapping) = node else { throw error(node, "\(what) is \(kind(node)); expected \(expected)") }
        var fields: [String: (key: Node, value: Node)] = [:]
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else { throw error(key, "a key of \(what) is \(kind(key)); expected a word") }
            if let allowed, !allowed.contains(scalar.string) {
                throw error(key, "\(what) has no key \(quoted(scalar.string)); there are \(allowed.joined(separator: ", "))")
            }
            fields[scalar.string] = (key, value)
        }
        return fields
    }

    private func text(_ node: Node, _ key: String, _ expected: String) throws(PlanError) -> String {
        guard case .scalar(let scalar) = node else { throw error(node, "`\(key)` is \(kind(node)); expected \(expected)") }
        guard scalar.style != .plain || !["", "~", "null"].contains(scalar.string) else {
            throw error(node, "`\(key)` is empty; expected \(expected)")
        }
        return scalar.string
    }

    private func kind(_ node: Node) -> String {
        switch node {
        case .scalar: "a single value"
        case .mapping: "a map"
        case .sequence: "a list"
        case .alias: "an alias of nothing"
        }
    }

    private func shown(_ node: Node) -> String {
        if case .scalar(let scalar) = node { quoted(scalar.string) } else { kind(node) }
    }

    private func quoted(_ text: String) -> String {
        String(text.prefix(60)).debugDescription + (text.count > 60 ? "…" : "")
    }

    private func error(_ node: Node?, _ message: String) -> PlanError {
        PlanError(file: self.file, line: node?.mark?.line, message)
    }

    private func syntax(_ error: any Error) -> PlanError {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _)?, .parser(_, let problem, let mark, _)?,
            .composer(_, let problem, let mark, _)?:
            PlanError(file: self.file, line: mark.line, "this is no YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context)?:
            PlanError(
                file: self.file, line: context.mark.line,
                "in the map that begins here the key \(quoted(duplicates.first ?? "")) is there twice")
        default:
            PlanError(file: self.file, line: nil, "this is no YAML: \(error)")
        }
    }
}
