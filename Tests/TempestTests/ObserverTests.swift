import NIOCore
import Testing

@testable import Tempest

@Suite("Whose lease is over")
struct ObserverTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func neighbour(_ counter: Int64, lease: TimeAmount = .seconds(1)) -> Neighbour {
        Neighbour(process: "p", counter: counter, lease: lease)
    }

    /// Looks at these milliseconds, each answered at once; the first instant at which the neighbour was found dead.
    private func dies(_ looks: [(Int64, Int64)], lease: TimeAmount = .seconds(1)) -> Int64? {
        var observer = Observer()
        for (time, counter) in looks {
            let now = start + .milliseconds(time)
            if !observer.look([neighbour(counter, lease: lease)], sent: now, heard: now).isEmpty { return time }
        }
        return nil
    }

    @Test("A counter that stands still for a lease is dead, and not before")
    func still() {
        #expect(dies((0...20).map { ($0 * 100, 7) }) == 1000)
        #expect(dies((0...9).map { ($0 * 100, 7) }) == nil)
    }

    @Test("One that beats lives")
    func beating() {
        #expect(dies((0...100).map { ($0 * 100, $0 / 9) }) == nil)
    }

    @Test("A gap of more than a fifth of the lease between two looks begins the countdown anew")
    func gap() {
        let looks = (0...9).map { (Int64($0) * 100, Int64(7)) } + (0...20).map { (1101 + Int64($0) * 100, 7) }
        #expect(dies(looks) == 2101)
        #expect(dies((0...1000).map { ($0 * 201, 7) }) == nil, "who looks too seldom never knows")
    }

    @Test("Only time that has certainly passed counts: from the end of one look to the beginning of the next")
    func slow() {
        var observer = Observer()
        for look in 0..<100 {
            let sent = start + .milliseconds(Int64(look) * 100)
            let dead = observer.look([neighbour(7)], sent: sent, heard: sent + .milliseconds(50))
            if !dead.isEmpty {
                #expect(look == 20, "50 ms of each 100")
                return
            }
        }
        Issue.record("never found dead")
    }

    @Test("A failed look begins every countdown anew")
    func blind() {
        var observer = Observer()
        for look in 0..<10 {
            let now = start + .milliseconds(Int64(look) * 100)
            #expect(observer.look([neighbour(7)], sent: now, heard: now).isEmpty)
        }
        observer.blind()
        for look in 10..<20 {
            let now = start + .milliseconds(Int64(look) * 100)
            #expect(observer.look([neighbour(7)], sent: now, heard: now).isEmpty)
        }
    }

    @Test("Each process's own lease counts")
    func leases() {
        #expect(dies((0...200).map { ($0 * 100, 7) }, lease: .seconds(10)) == 10_000)
    }
}
