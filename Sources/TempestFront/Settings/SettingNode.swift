// A value of a settings file, and where it stands: read as text, numbers and lists, or refused with file and line.

import Yams

/// A value in a file and the key that it belongs to.
struct SettingNode {
    private let node: Yams.Node
    /// What messages call the value.
    let key: String
    private let file: String

    init(_ node: Yams.Node, key: String, file: String) { (self.node, self.key, self.file) = (node, key, file) }

    var isMap: Bool { if case .mapping = node { true } else { false } }
    var isScalar: Bool { if case .scalar = node { true } else { false } }

    /// Keys and values of a map, in their order.
    func pairs(_ what: String) throws(FrontConfigurationError) -> [SettingNode] {
        guard case .mapping(let mapping) = node else { throw error("\(what): expected a map") }
        var pairs: [SettingNode] = []
        for (key, value) in mapping {
            guard case .scalar(let name) = key else {
                throw SettingNode(key, key: self.key, file: file).error("\(what): a key is text")
            }
            pairs.append(SettingNode(value, key: name.string, file: file))
        }
        return pairs
    }

    func list() throws(FrontConfigurationError) -> [SettingNode] {
        guard case .sequence(let items) = node else { throw error("`\(key)`: expected a list") }
        return items.map { SettingNode($0, key: key, file: file) }
    }

    func text() throws(FrontConfigurationError) -> String {
        guard case .scalar(let scalar) = node, !scalar.string.isEmpty else { throw error("`\(key)`: expected text") }
        return scalar.string
    }

    /// Text that may be empty.
    func anyText() throws(FrontConfigurationError) -> String {
        guard case .scalar(let scalar) = node else { throw error("`\(key)`: expected text") }
        return scalar.string
    }

    /// A list of texts, or one text.
    func texts() throws(FrontConfigurationError) -> [String] {
        if isScalar { return [try text()] }
        var texts: [String] = []
        for item in try list() { texts.append(try item.text()) }
        return texts
    }

    func integer(_ range: ClosedRange<Int>) throws(FrontConfigurationError) -> Int {
        guard let number = Int(try text()), range.contains(number) else {
            throw error("`\(key)`: expected a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func seconds(_ range: ClosedRange<Double> = 0...86_400) throws(FrontConfigurationError) -> Duration {
        guard let number = Double(try text()), range.contains(number) else {
            throw error("`\(key)`: expected seconds from \(Self.plain(range.lowerBound)) to \(Self.plain(range.upperBound))")
        }
        return .seconds(number)
    }

    private static func plain(_ number: Double) -> String { number == number.rounded() ? "\(Int(number))" : "\(number)" }

    func bool() throws(FrontConfigurationError) -> Bool {
        switch try text() {
        case "true": return true
        case "false": return false
        default: throw error("`\(key)`: expected true or false")
        }
    }

    /// Says where, before what is wrong.
    func error(_ message: String) -> FrontConfigurationError {
        FrontConfigurationError("\(file)\(node.mark.map { ", line \($0.line)" } ?? ""): \(message)")
    }

    /// Says where, when something else says what.
    func locating<R>(_ body: () throws(FrontConfigurationError) -> R) throws(FrontConfigurationError) -> R {
        do { return try body() } catch { throw self.error(error.description) }
    }
}
