import TempestCodecs
import TempestProtocol
import Testing

@Suite("Names and ids")
struct NameTests {
    @Test("Names that are allowed", arguments: ["a", "tempest", "A.b_c-9", String(repeating: "q", count: 128)])
    func allowed(_ name: String) throws {
        #expect(try QueueName(name).description == name)
        #expect(try Level(name).description == name)
    }

    @Test("Names that are not", arguments: ["", "a b", "{a}", "a:b", "a*", "é", "a\n", String(repeating: "q", count: 129)])
    func refused(_ name: String) {
        #expect(throws: NameError.self) { try QueueName(name) }
        #expect(throws: NameError.self) { try Level(name) }
    }

    @Test("A level begins with a letter", arguments: ["1", "-a", "_a", ".a"])
    func level(_ name: String) throws {
        _ = try QueueName(name)
        #expect(throws: NameError.self) { try Level(name) }
    }

    @Test("An error shows control characters instead of obeying them")
    func quoted() {
        #expect { try QueueName("a\u{1b}[2J") } throws: { !"\($0)".unicodeScalars.contains("\u{1b}") }
    }

    @Test("Ids are text of 128 random bits, and different")
    func ids() {
        let ids = (0..<1000).map { _ in JobID.random().description }
        #expect(Set(ids).count == 1000)
        #expect(ids.allSatisfy { $0.utf8.count == 26 })
    }

    @Test("Ids made by many threads at once are different")
    func idsOfThreads() async {
        let ids = await withTaskGroup(of: [String].self) { group in
            for _ in 0..<8 { group.addTask { (0..<2000).map { _ in JobID.random().description } } }
            return await group.reduce(into: Set()) { $0.formUnion($1) }
        }
        #expect(ids.count == 16_000)
    }

    @Test("Process names carry what people may see, cleaned, and a ULID that is new each time")
    func processes() {
        let (a, b) = (ProcessName("host name:{x}"), ProcessName("host name:{x}"))
        #expect(a != b)
        #expect(a.description.hasPrefix("host-name--x-."))
        #expect(ProcessName(String(repeating: "n", count: 500)).description.utf8.count <= 128)
    }

    @Test("Keys of a queue share its slot: tagged, except the default level, which is the bare name")
    func keys() throws {
        let queue = try QueueName("q")
        #expect(Keys.level(queue, .default) == "q")
        #expect(Keys.level(queue, .high) == "{q}:high")
        #expect(Keys.dead(queue) == "{q}:!dead")
    }

    @Test(
        "An action must be text of 1 to 255 bytes without control characters",
        arguments: ["", "a\n", String(repeating: "x", count: 256)])
    func actions(_ action: String) {
        #expect(throws: NameError.self) {
            try JobDraft(action: action, args: .init(), count: 0, respondTo: nil, id: .random())
        }
    }
}
