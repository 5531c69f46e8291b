import TempestCodecs
import TempestRedis
import Testing

@Suite("Vectors of rights that are missing")
struct RightsVectorTests {
    @Test("What Redis says becomes a sentence that names the user and the right")
    func denials() throws {
        for vector in try VectorFile.list("rights", "denials") {
            let sentence = Denial.sentence(vector["reply"]?.asText ?? "", user: vector["user"]?.asText)
            #expect(sentence == vector["message"]?.asText)
        }
        #expect(Denial.sentence("NOPERM x", user: nil)?.contains(#"user "default""#) == true)
    }

    @Test("Other errors are left as they are")
    func others() throws {
        for reply in try VectorFile.list("rights", "others") {
            #expect(Denial.sentence(reply.asText ?? "NOPERM ", user: "bob") == nil, "\(reply)")
        }
    }
}
