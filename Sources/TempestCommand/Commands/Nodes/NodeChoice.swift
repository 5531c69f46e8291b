// Which workers an order is for, and whether they obeyed: what quiet and stop have in common. Before it: ids and names. After it:
// client.tell, and looks at the records until they say so.

import ArgumentParser
import Tempest

struct NodeChoice: ParsableArguments {
    @Argument(help: "Workers: their ids, or names that only one of them bears; see tempest workers.")
    var nodes: [String] = []

    @Flag(help: "All workers.")
    var all = false

    @Option(name: .shortAndLong, help: "How long to wait until they have obeyed; 0: do not wait.")
    var wait = TimeSpan(milliseconds: 10_000)

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard all != !nodes.isEmpty else { throw ValidationError("name workers, or say --all, not both") }
    }

    /// Gives the order and waits; exit status 1 if somebody did not obey in time.
    func tell(_ order: NodeOrder) async throws {
        try await connection.withClient { client in
            let known = try await client.nodes().filter { $0.standing == .registered && $0.record != nil }
            let chosen = try chosen(known)
            let targets = all ? ["*"] : chosen.map(\.id)
            var unheard = targets
            let deadline = ContinuousClock.now + wait.duration
            var pending = chosen
            repeat {
                // An order that nobody heard is given again; one that was heard is not: a second one may mean more haste.
                var still: [String] = []
                for target in unheard where try await client.tell(order, to: target) == 0 { still.append(target) }
                unheard = still
                if wait.milliseconds == 0 {
                    guard unheard.isEmpty else { throw CommandFailure("nobody listens to orders at this Redis") }
                    try StandardOutput.say("Told \(all ? "all workers" : pending.map { Self.name($0) }.joined(separator: ", ")).")
                    return
                }
                pending = try await look(client, pending, order)
                if pending.isEmpty { return }
                try await Task.sleep(for: min(.milliseconds(100), max(.zero, deadline - .now)))
            } while ContinuousClock.now < deadline
            pending = try await look(client, pending, order)
            guard !pending.isEmpty else { return }
            let heard = unheard.isEmpty ? "" : " Nobody listens to orders at this Redis."
            let names = pending.map { Self.name($0) }.joined(separator: ", ")
            throw CommandFailure(
                "not \(order == .quiet ? "quiet" : "stopping") within \(TimeSpan.shown(milliseconds: wait.milliseconds)): \(names).\(heard)"
            )
        }
    }

    /// Says who has obeyed since the last look; returns the others.
    private func look(_ client: TempestClient, _ pending: [NodeStatus], _ order: NodeOrder) async throws -> [NodeStatus] {
        let now = try await client.nodes()
        return try pending.filter { node in
            guard let seen = now.first(where: { $0.record != nil && $0.id == node.id }), seen.standing == .registered,
                let record = seen.record
            else {
                try StandardOutput.say("\(Self.name(node)) has gone.")
                return false
            }
            guard order.isObeyed(by: record.state) else { return true }
            try StandardOutput.say("\(Self.name(node)) is \(record.state.rawValue).")
            return false
        }
    }

    /// The nodes that are meant. Errors name those that are known.
    private func chosen(_ known: [NodeStatus]) throws -> [NodeStatus] {
        let list = known.isEmpty ? "None is known." : "Known are: \(known.map { Self.name($0) }.joined(separator: ", "))."
        guard !all else {
            guard !known.isEmpty else { throw CommandFailure("no worker is known that could be told.") }
            return known
        }
        var chosen: [NodeStatus] = []
        for word in nodes {
            let byName = known.filter { $0.record?.name == word }
            guard let node = known.first(where: { $0.id == word }) ?? (byName.count == 1 ? byName[0] : nil) else {
                let shown = Shown.cut(Shown.escapingControls(word.debugDescription), to: 80)
                guard byName.isEmpty else {
                    throw CommandFailure(
                        "\(byName.count) workers are called \(shown), name one by its id: \(byName.map(\.id).joined(separator: ", "))"
                    )
                }
                throw CommandFailure("no worker has the id or the name \(shown). \(list)")
            }
            if !chosen.contains(where: { $0.id == node.id }) { chosen.append(node) }
        }
        return chosen
    }

    /// The name, and the id where it is another; ids have no control characters once their record could be read.
    private static func name(_ node: NodeStatus) -> String {
        guard let name = node.record?.name, name != node.id else { return node.id }
        return "\(Shown.cut(Shown.escapingControls(name), to: 60)) (\(node.id))"
    }
}
