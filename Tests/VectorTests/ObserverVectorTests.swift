import NIOCore
import TempestCodecs
import Testing

@testable import Tempest

@Suite("Vectors of the observer")
struct ObserverVectorTests {
    private func instant(_ value: Value?) throws -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000) + .milliseconds(try #require(value?.asInt))
    }

    @Test("Who is presumed dead at each look")
    func looks() throws {
        for vector in try VectorFile.list("observer", "observers") {
            VectorFile.run(vector.name) {
                var observer = Observer()
                for (number, look) in (try #require(vector["looks"]?.asArray)).enumerated() {
                    guard look["failed"] == nil else {
                        observer.blind()
                        continue
                    }
                    let others = try (try #require(look["processes"]?.asArray)).map { process in
                        Neighbour(
                            process: try #require(process[0]?.asText), counter: try #require(process[1]?.asInt),
                            lease: .milliseconds(try #require(process[2]?.asInt)))
                    }
                    let dead = observer.look(others, sent: try instant(look["sent"]), heard: try instant(look["received"]))
                    #expect(.array(dead.map { .text($0.process) }) == look["dead"], "\(vector.name): look \(number)")
                }
            }
        }
    }
}
