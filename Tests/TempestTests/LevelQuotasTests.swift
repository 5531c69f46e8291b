import Testing

@testable import Tempest

@Suite("Shares of levels")
struct LevelQuotasTests {
    @Test("Over time each level gets its weight to within one job, whatever the claims' sizes", arguments: [1, 2, 3, 7, 10, 100])
    func weights(_ want: Int) {
        var quotas = LevelQuotas([6, 3, 1])
        var got = [0, 0, 0]
        while got.reduce(0, +) < 10_000 {
            let shares = quotas.shares(of: want)
            #expect(shares.reduce(0, +) == want)
            for index in got.indices { got[index] += shares[index] }
        }
        let total = got.reduce(0, +)
        for (count, weight) in zip(got, [6, 3, 1]) { #expect(abs(count - total * weight / 10) <= 1) }
    }

    @Test("Where jobs are so large that each claim is cut short, every level still has its share")
    func cutShort() {
        var quotas = LevelQuotas([6, 3, 1])
        var got = [0, 0, 0]
        for claim in 0..<1000 {
            // Redis takes what the quotas allow, level after level, until some jobs are too many bytes.
            var room = 3 + claim % 4
            let came = quotas.shares(of: 100).map { share in
                defer { room -= min(share, room) }
                return min(share, room)
            }
            for index in got.indices { got[index] += came[index] }
            quotas.cutShort(came)
        }
        let total = got.reduce(0, +)
        for (count, weight) in zip(got, [6, 3, 1]) { #expect(abs(count - total * weight / 10) < total / 50, "\(got)") }
    }
}
