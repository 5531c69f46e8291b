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
            quotas.note(shares, wanted: want)
        }
        let total = Double(got.reduce(0, +))
        for (count, weight) in zip(got, [0.6, 0.3, 0.1]) { #expect(abs(Double(count) / total - weight) < 0.001) }
    }

    @Test("A level that was empty is owed nothing for it")
    func empty() {
        var quotas = LevelQuotas([6, 3, 1])
        for _ in 0..<1000 {
            _ = quotas.shares(of: 10)
            quotas.note([0, 8, 2], wanted: 10)
        }
        #expect(quotas.shares(of: 10)[0] <= 8)
        quotas.note([0, 0, 2], wanted: 10)
        #expect(quotas.shares(of: 10) == [6, 3, 1])
    }
}
