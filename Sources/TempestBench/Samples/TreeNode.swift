// The nested payload: a tree that is both deep and broad.
// Before it: SplitMix64 and Words. After it: the candidates.

package import TempestCodecs

/// A node of a tree. Each level of the tree is two levels of the document: the map and its array of children.
package struct TreeNode: Sample, Equatable {
    package var id: Int
    package var name: String
    package var open: Bool
    package var children: [TreeNode]

    /// So many levels of nodes: 60 levels of the document, below the 64 that the protocol allows.
    static let levels = 30

    private init(id: Int, _ random: inout SplitMix64) {
        self.id = id
        name = random.pick(Words.english)
        open = random.integer(0...1) == 1
        children = []
    }

    /// A tree of about so many bytes of JSON: a root with branches, each a spine of all levels with bushes along it.
    init(bytes: Int, _ random: inout SplitMix64) {
        var count = 1
        self.init(id: 0, &random)
        // A node is about 55 bytes of JSON.
        while count * 55 < bytes { children.append(Self.branch(level: 2, &count, &random)) }
    }

    private static func branch(level: Int, _ count: inout Int, _ random: inout SplitMix64) -> TreeNode {
        var node = TreeNode(id: count, &random)
        count += 1
        guard level < levels else { return node }
        node.children.append(branch(level: level + 1, &count, &random))
        for _ in 0..<random.integer(0...6) {
            node.children.append(TreeNode(id: count, &random))
            count += 1
        }
        return node
    }

    /// How many levels of nodes there are, this one included.
    package var height: Int { 1 + (children.map(\.height).max() ?? 0) }
}

extension TreeNode: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        id = try map.read("id")
        name = try map.read("name")
        open = try map.read("open")
        children = try map.read("children")
    }
}

extension TreeNode: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 4)
        try writer.write("id", id)
        try writer.write("name", name)
        try writer.write("open", open)
        try writer.key("children")
        try writer.beginArray(count: children.count)
        for child in children { try child.write(to: &writer) }
        try writer.endArray()
        try writer.endMap()
    }
}
