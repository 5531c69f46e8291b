// types.json: what stands for moments, decimal numbers, UUIDs and URLs. Python and Ruby write the same from their own types.

import Foundation
import TempestCodecs
import Testing

@Suite("Types of languages")
struct TypeVectorTests {
    private static let codecs: [any Codec] = [JSONCodec(), MessagePackCodec(), TNetstringCodec()]

    /// Both ways, in all codecs; of a UUID either case is right.
    private func check<T: Codable & Equatable>(_ natural: T, _ form: String, anyCase: Bool = false) throws {
        for codec in Self.codecs {
            #expect(try codec.decode([T].self, from: codec.encode([Value.text(form)] as Value)) == [natural])
            let written = try codec.value(codec.encode(encoding: [natural]))[0]?.asText ?? ""
            #expect((anyCase ? written.lowercased() : written) == form)
        }
    }

    @Test("Foundation's are written and read as types.json says")
    func types() throws {
        for vector in try VectorFile.list("types") {
            let form = try #require(vector["form"]?.asText)
            VectorFile.run(form) {
                switch vector["type"]?.asText {
                case "moment":
                    let seconds = try #require(vector["unix"]?.asInt)
                    let nanoseconds = try #require(vector["nanoseconds"]?.asInt)
                    let date = Date(
                        timeIntervalSinceReferenceDate: Double(seconds - 978_307_200) + Double(nanoseconds) / 1e9)
                    try check(date, form)
                case "decimal":
                    try check(#require(Decimal(string: vector["digits"]?.asText ?? "")), form)
                case "uuid": try check(#require(UUID(uuidString: vector["digits"]?.asText ?? "")), form, anyCase: true)
                case "url": try check(#require(URL(string: vector["text"]?.asText ?? "")), form)
                default: Issue.record("no type of this runner: \(vector)")
                }
            }
        }
    }
}
