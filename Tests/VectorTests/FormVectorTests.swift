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

    @Test("Heads that could be read in two ways are refused")
    func invalid() throws {
        for vector in try VectorFile.list("forms", "invalid") {
            #expect(throws: FormError.self, "\(vector.name)") { try MultipartPart((vector["head"] ?? .null).bytes) }
        }
    }
}
