import NIOCore
import Tempest
import TempestCodecs
import Testing

@Suite("Vectors of forms")
struct FormVectorTests {
    private static func bytes(_ vector: Value, _ key: String) -> [UInt8]? { vector[key].flatMap { $0 == .null ? nil : $0.bytes } }

    @Test("A part's head means what the vectors say, and is kept where browsers would write it otherwise")
    func valid() throws {
        for vector in try VectorFile.list("forms", "valid") {
            let head = (vector["head"] ?? .null).bytes
            VectorFile.run(vector.name) {
                let part = try MultipartPart(head)
                #expect(part.name == Self.bytes(vector, "field"), "\(vector.name)")
                #expect(part.filename == Self.bytes(vector, "filename"), "\(vector.name)")
                #expect(part.type == Self.bytes(vector, "type"), "\(vector.name)")
                #expect(part.head == (vector["plain"] == true ? nil : head), "\(vector.name)")
            }
        }
    }

    @Test("A form has the parts that the vectors say, wherever its bytes are cut")
    func bodies() throws {
        for vector in try VectorFile.list("forms", "bodies") {
            let body = (vector["body"] ?? .null).bytes
            var wanted: [[[UInt8]]]?
            if case .array(let parts)? = vector["parts"] {
                wanted = parts.map { [Self.bytes($0, "field") ?? [], Self.bytes($0, "content") ?? []] }
            }
            for size in [1, 2, 3, max(1, body.count)] {
                let parts = try? Self.parts(body, size)
                #expect(parts == wanted, "\(vector.name), in pieces of \(size)")
            }
        }
    }

    private static func parts(_ body: [UInt8], _ size: Int) throws -> [[[UInt8]]] {
        var reader = MultipartReader(boundary: Array("b".utf8))
        var parts: [[[UInt8]]] = []
        for start in stride(from: 0, to: body.count, by: size) {
            reader.feed(ByteBuffer(bytes: body[start..<min(start + size, body.count)]))
            while let event = try reader.next() {
                switch event {
                case .part(let part): parts.append([part.name ?? [], []])
                case .data(let bytes): parts[parts.count - 1][1] += Array(bytes.readableBytesView)
                case .partEnd, .end: break
                }
            }
        }
        try reader.finish()
        return parts
    }

    @Test("Heads that could be read in two ways are refused")
    func invalid() throws {
        for vector in try VectorFile.list("forms", "invalid") {
            #expect(throws: FormError.self, "\(vector.name)") { try MultipartPart((vector["head"] ?? .null).bytes) }
        }
    }
}
