import TempestCodecs
import TempestProtocol
import Testing

@testable import Tempest

@Suite("Vectors of weights")
struct WeightVectorTests {
    private func weights(_ vector: Value) throws -> [(level: Level, weight: Int)] {
        try (vector["weights"]?.asArray ?? []).map { pair in
            (try Level(try #require(pair[0]?.asText)), Int(try #require(pair[1]?.asInt)))
        }
    }

    @Test("The quotas of each claim, one after the other")
    func quotas() throws {
        for vector in try VectorFile.list("weights", "valid") {
            VectorFile.run(vector.name) {
                let levels = try weights(vector)
                let named = Dictionary(uniqueKeysWithValues: levels.map { ($0.level, $0.weight) })
                var quotas = LevelQuotas(try LevelQuotas.checked(named, of: levels.map(\.level)))
                for (number, claim) in (try #require(vector["claims"]?.asArray)).enumerated() {
                    let shares = quotas.shares(of: Int(try #require(claim["want"]?.asInt)))
                    let found = zip(levels, shares).map { Value.text("\($0.level)=\($1)") }
                    #expect(.array(found) == claim["quotas"], "\(vector.name): claim \(number)")
                    if let came = claim["came"]?.asArray { quotas.cutShort(try came.map { Int(try #require($0.asInt)) }) }
                }
            }
        }
    }

    @Test("What weights may not be: the worker is refused")
    func refused() throws {
        for vector in try VectorFile.list("weights", "refused") {
            VectorFile.run(vector.name) {
                var options = WorkerOptions()
                options.levels = try (vector["levels"]?.asArray ?? []).map { try Level(try #require($0.asText)) }
                options.weights = Dictionary(uniqueKeysWithValues: try weights(vector).map { ($0.level, $0.weight) })
                #expect(throws: WeightsError.self, "\(vector.name)") { try Worker(queues: ["q"], options: options) }
            }
        }
    }
}
