import Testing

@testable import TempestBench

@Suite("Rounds")
struct RoundsTests {
    private static func key(_ maker: String) -> CandidateKey { CandidateKey(maker, "json", .value, .decode) }

    @Test("Batches are calibrated, every round runs every candidate, and failures are told")
    func rounds() async throws {
        // Candidates that say what they took: a thousand and ten million nanoseconds an operation.
        var runs: [String] = []
        let quick = Candidate(Self.key("quick"), bytes: 1) { iterations in
            runs.append("quick")
            return 1000 * Double(iterations)
        }
        let slow = Candidate(Self.key("slow"), bytes: 1) { iterations in
            runs.append("slow")
            return 10_000_000 * Double(iterations)
        }
        let broken = Candidate(Self.key("broken"), bytes: 1) { _ in throw BenchError("no such library") }
        var rounds: [Int] = []
        let (found, failures) = try await Rounds(count: 3, batch: 5_000_000).measure([quick, slow, broken]) {
            if $0 == 1 { runs = [] }
            rounds.append($0)
        }
        #expect(found.map(\.key.maker) == ["quick", "slow"])
        #expect(found[0].iterations >= 5000 && found[1].iterations == 1)
        #expect(found[0].rounds == [1000, 1000, 1000] && found[1].rounds == [1e7, 1e7, 1e7])
        #expect(rounds == [0, 1, 2, 3])
        // Interleaved: each third of the runs has both.
        #expect(runs.count == 6 && (0..<3).allSatisfy { Set(runs[$0 * 2..<$0 * 2 + 2]) == ["quick", "slow"] })
        #expect(failures == ["broken cannot decode this as json (value): no such library"])
    }

    @Test("A candidate that fails in a late round is left out and told once, and the others go on")
    func late() async throws {
        var runs = 0
        let dying = Candidate(Self.key("dying"), bytes: 1) { _ in
            runs += 1
            if runs > 3 { throw BenchError("the peer has ended") }
            return 1e7
        }
        let steady = Candidate(Self.key("steady"), bytes: 1) { _ in 1e7 }
        let (found, failures) = try await Rounds(count: 5, batch: 5_000_000).measure([dying, steady]) { _ in }
        #expect(found.map(\.key.maker) == ["steady"] && found.first?.rounds.count == 5)
        #expect(failures == ["dying cannot decode this as json (value): the peer has ended"])
    }

    @Test("An operation of this process is timed, and its result is used")
    func operation() async throws {
        var count = 0
        let candidate = Candidate(Self.key("tempest"), bytes: 1) { () -> Int in
            count += 1
            return count
        }
        #expect(try await candidate.run(5) > 0)
        #expect(count == 5)
    }
}
