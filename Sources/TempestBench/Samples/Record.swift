// The middling payload: a list of records as a database gives them.
// Before it: SplitMix64 and Words. After it: the candidates.

package import TempestCodecs

/// A record, about 200 bytes of JSON.
package struct Record: Codable, Sendable, Equatable {
    package var id: Int
    package var name: String
    package var email: String
    package var active: Bool
    package var score: Double
    package var created: String
    package var tags: [String]
    package var note: String

    init(_ index: Int, _ random: inout SplitMix64) {
        id = 10_000 + index
        name = random.pick(Words.english).capitalizedFirst + " " + random.pick(Words.english).capitalizedFirst
        email = "\(random.pick(Words.english)).\(random.integer(1...999))@example.com"
        active = random.integer(0...1) == 1
        score = Double(random.integer(0...99_999)) / 1000
        created = "2026-0\(random.integer(1...9))-1\(random.integer(0...9))T0\(random.integer(0...9)):15:00Z"
        tags = (0..<3).map { _ in random.pick(Words.english) }
        note = Words.sentence(Words.english, 4, escapes: false, &random)
    }
}

extension Record: TokenReadable {
    package init(reading node: Node) throws {
        var map = try node.map()
        id = try map.read("id")
        name = try map.read("name")
        email = try map.read("email")
        active = try map.read("active")
        score = try map.read("score")
        created = try map.read("created")
        tags = try map.read("tags")
        note = try map.read("note")
    }
}

extension Record: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginMap(count: 8)
        try writer.write("id", id)
        try writer.write("name", name)
        try writer.write("email", email)
        try writer.write("active", active)
        try writer.write("score", score)
        try writer.write("created", created)
        try writer.write("tags", tags)
        try writer.write("note", note)
        try writer.endMap()
    }
}

/// A list of records: an array of maps.
package struct RecordList: Sample, Equatable {
    package var records: [Record]

    init(records: [Record]) { self.records = records }

    package init(from decoder: any Decoder) throws {
        records = try decoder.singleValueContainer().decode([Record].self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(records)
    }
}

extension RecordList: TokenReadable {
    package init(reading node: Node) throws { records = try node.read() }
}

extension RecordList: TokenWritable {
    package func write<W: TokenWriter>(to writer: inout W) throws(CodecError) {
        try writer.beginArray(count: records.count)
        for record in records { try record.write(to: &writer) }
        try writer.endArray()
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
