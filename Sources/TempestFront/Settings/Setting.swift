// One setting of a front's file: its name, its default, what it means, and how it is read. The tables of them are the reader of the
// file and the documentation's reference at once, so that neither can say what the other does not.

/// A key of the file that sets something of `Target`.
struct Setting<Target> {
    let name: String
    /// The default, as the reference shows it; empty when the key must be given, or nothing is set without it.
    let standard: String
    let meaning: String
    let read: (SettingNode, inout Target) throws(FrontConfigurationError) -> Void

    init(
        _ name: String, default standard: String = "", _ meaning: String,
        read: @escaping (SettingNode, inout Target) throws(FrontConfigurationError) -> Void
    ) {
        (self.name, self.standard, self.meaning, self.read) = (name, standard, meaning, read)
    }
}

/// All keys of one kind of map in the file.
struct SettingTable<Target> {
    /// What messages call the map: `a route`.
    let what: String
    let settings: [Setting<Target>]

    /// The table of a kind of map; `reference` has the defaults.
    init(_ what: String, reference: Target, _ settings: (SettingMaker<Target>) -> [Setting<Target>]) {
        (self.what, self.settings) = (what, settings(SettingMaker(reference: reference)))
    }

    /// Reads a map; a key that is not in the table is refused.
    func read(_ node: SettingNode, into target: inout Target) throws(FrontConfigurationError) {
        for value in try node.pairs(what) {
            guard let setting = settings.first(where: { $0.name == value.key }) else {
                let names = settings.map(\.name).joined(separator: ", ")
                throw value.error("there is no setting \(value.key.debugDescription) for \(what); there are \(names)")
            }
            try setting.read(value, &target)
        }
    }

    func has(_ name: String) -> Bool { settings.contains { $0.name == name } }

    /// The table in Markdown.
    var markdown: String {
        let rows = settings.map { "| `\($0.name)` | \($0.standard) | \($0.meaning) |" }
        return (["| key | default | meaning |", "|---|---|---|"] + rows).joined(separator: "\n")
    }
}

/// Makes the settings that are one property, whose default is that of the reference.
struct SettingMaker<Target> {
    let reference: Target

    func bool(_ name: String, _ path: WritableKeyPath<Target, Bool>, _ meaning: String) -> Setting<Target> {
        Setting(name, default: "\(reference[keyPath: path])", meaning) { node, target throws(FrontConfigurationError) in
            target[keyPath: path] = try node.bool()
        }
    }

    func integer(
        _ name: String, _ path: WritableKeyPath<Target, Int>, _ meaning: String, in range: ClosedRange<Int>
    ) -> Setting<Target> {
        Setting(name, default: "\(reference[keyPath: path])", meaning) { node, target throws(FrontConfigurationError) in
            target[keyPath: path] = try node.integer(range)
        }
    }

    func seconds(
        _ name: String, _ path: WritableKeyPath<Target, Duration>, _ meaning: String,
        in range: ClosedRange<Double> = 0...86_400
    ) -> Setting<Target> {
        let standard = reference[keyPath: path] / .seconds(1)
        let text = standard == standard.rounded() ? "\(Int(standard))" : "\(standard)"
        return Setting(name, default: text, meaning) { node, target throws(FrontConfigurationError) in
            target[keyPath: path] = try node.seconds(range)
        }
    }

    /// Text that must be there, or whose default is not worth showing.
    func text(
        _ name: String, default standard: String = "", _ path: WritableKeyPath<Target, String>, _ meaning: String
    )
        -> Setting<Target>
    {
        Setting(name, default: standard, meaning) { node, target throws(FrontConfigurationError) in
            target[keyPath: path] = try node.text()
        }
    }

    func optionalText(_ name: String, _ path: WritableKeyPath<Target, String?>, _ meaning: String) -> Setting<Target> {
        Setting(name, meaning) { node, target throws(FrontConfigurationError) in target[keyPath: path] = try node.text() }
    }
}
