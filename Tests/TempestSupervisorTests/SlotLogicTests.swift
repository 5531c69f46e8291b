import Testing

@testable import TempestSupervisor

@Suite("The logic of a place")
struct SlotLogicTests {
    private let now = ContinuousClock.now

    private func group(_ change: (inout WorkerGroup) -> Void = { _ in }) -> WorkerGroup {
        var group = WorkerGroup(name: "web", command: ["x"])
        change(&group)
        return group
    }

    /// A place whose first worker is ready.
    private func settled(_ change: (inout WorkerGroup) -> Void = { _ in }) -> SlotLogic {
        var logic = SlotLogic(name: "web.1", group: group(change))
        #expect(logic.begin(now: now) == [.launch(1)])
        #expect(logic.handle(.ready(1), now: now) == [.served(true)])
        return logic
    }

    private func quiet(_ actions: [SlotLogic.Action]) -> [SlotLogic.Action] {
        actions.filter { if case .say = $0 { false } else { true } }
    }

    private func delay(_ actions: [SlotLogic.Action]) -> (Duration, Int)? {
        for case .wait(let delay, let number) in actions { return (delay, number) }
        return nil
    }

    @Test("A worker that ends is started again after a growing delay, which begins anew when it has lived a while")
    func backoff() throws {
        var logic = settled()
        var number = 1
        for step in 0..<12 {
            let (delay, token) = try #require(self.delay(logic.handle(.ended(number, .exited(0)), now: now)))
            let whole = min(Duration.milliseconds(100 << step), .seconds(30))
            #expect(delay >= whole / 2 && delay <= whole, "\(step)")
            number += 1
            #expect(quiet(logic.handle(.start(token), now: now)) == [.launch(number)])
            #expect(logic.handle(.start(token), now: now) == [], "once only")
        }
        let (delay, _) = try #require(self.delay(logic.handle(.ended(number, .exited(0)), now: now + .seconds(31))))
        #expect(delay <= .milliseconds(100))
    }

    @Test(
        "The policy decides who is started again",
        arguments: [
            (.always, .exited(0), nil), (.always, .signalled(9), nil), (.onFailure, .exited(0), true),
            (.onFailure, .exited(1), nil),
            (.onFailure, .signalled(9), nil), (.never, .exited(0), true), (.never, .exited(1), false),
            (.never, .notStarted("x"), false),
        ] as [(WorkerGroup.Restart, Ending, Bool?)])
    func policy(_ restart: WorkerGroup.Restart, _ ending: Ending, _ finish: Bool?) {
        var logic = settled { $0.restart = restart }
        let actions = logic.handle(.ended(1, ending), now: now)
        #expect((delay(actions) != nil) == (finish == nil))
        #expect(actions.contains(.finish(true)) == (finish == true) && actions.contains(.finish(false)) == (finish == false))
        #expect(actions.contains(.served(false)))
    }

    @Test("A replacement: the old worker is asked to end when the new one is ready, and not before")
    func replacement() {
        var logic = settled()
        #expect(logic.handle(.replace(.rolling), now: now) == [.launch(2)])
        #expect(logic.handle(.ready(2), now: now) == [.terminate(1), .replaced(true)])
        #expect(logic.settled == 2)
        #expect(logic.handle(.ended(1, .exited(0)), now: now) == [])
        #expect(logic.handle(.graceOver(1), now: now) == [])
    }

    @Test("An old worker that does not end within its grace is asked once more, to give back its jobs, and then killed")
    func grace() {
        var logic = settled()
        _ = logic.handle(.replace(.rolling), now: now)
        _ = logic.handle(.ready(2), now: now)
        #expect(quiet(logic.handle(.graceOver(1), now: now)) == [.terminateAtOnce(1)])
        #expect(quiet(logic.handle(.respiteOver(1), now: now)) == [.kill(1)])
        _ = logic.handle(.ended(1, .signalled(9)), now: now)
        #expect(logic.handle(.respiteOver(1), now: now) == [])
    }

    @Test("A new worker that is late, or ends, replaces nobody")
    func stalled() {
        var logic = settled()
        _ = logic.handle(.replace(.rolling), now: now)
        #expect(quiet(logic.handle(.late(2), now: now)) == [.terminate(2), .replaced(false)])
        #expect(logic.handle(.ready(2), now: now) == [], "too late")
        #expect(logic.settled == 1)
        _ = logic.handle(.replace(.rolling), now: now)
        #expect(quiet(logic.handle(.ended(3, .exited(1)), now: now)) == [.replaced(false)])
        #expect(logic.settled == 1)
    }

    @Test("The old worker dies while the new one gets ready: the new one takes the place")
    func promoted() {
        var logic = settled()
        _ = logic.handle(.replace(.rolling), now: now)
        #expect(quiet(logic.handle(.ended(1, .signalled(9)), now: now)) == [.served(false)])
        #expect(logic.handle(.ready(2), now: now) == [.replaced(true), .served(true)])
    }

    @Test("A replacement in a place that waits for its next start starts at once")
    func impatient() throws {
        var logic = settled()
        let (_, token) = try #require(delay(logic.handle(.ended(1, .exited(1)), now: now)))
        #expect(logic.handle(.replace(.rolling), now: now) == [.launch(2)])
        #expect(logic.handle(.start(token), now: now) == [])
        #expect(logic.handle(.ready(2), now: now) == [.replaced(true), .served(true)])
    }

    @Test("A rolling restart waits for a replacement that is under way, then has its own")
    func queued() {
        var logic = settled { $0.memoryLimit = 1_000_000 }
        #expect(quiet(logic.handle(.replace(.memory(2_000_000)), now: now)) == [.launch(2)])
        #expect(logic.handle(.replace(.rolling), now: now) == [])
        #expect(logic.handle(.ready(2), now: now) == [.terminate(1), .launch(3)])
        #expect(logic.handle(.ready(3), now: now) == [.terminate(2), .replaced(true)])
    }

    @Test("A worker over its limit whose replacement failed is left alone for half a minute")
    func memory() {
        var logic = settled { $0.memoryLimit = 1_000_000 }
        _ = logic.handle(.replace(.memory(2_000_000)), now: now)
        _ = logic.handle(.ended(2, .exited(1)), now: now)
        #expect(logic.handle(.replace(.memory(2_000_000)), now: now + .seconds(29)) == [])
        #expect(quiet(logic.handle(.replace(.memory(2_000_000)), now: now + .seconds(31))) == [.launch(3)])
    }

    @Test("The end: everybody is asked, asked again, and nobody is started any more")
    func stop() {
        var logic = settled()
        _ = logic.handle(.replace(.rolling), now: now)
        #expect(logic.handle(.stop, now: now) == [.replaced(false), .terminate(1), .terminate(2)])
        #expect(logic.handle(.stop, now: now) == [.terminateAgain(1), .terminateAgain(2)])
        #expect(logic.handle(.ready(2), now: now) == [])
        #expect(logic.handle(.ended(1, .exited(0)), now: now) == [.served(false)])
        #expect(quiet(logic.handle(.graceOver(2), now: now)) == [.terminateAtOnce(2)])
        #expect(quiet(logic.handle(.respiteOver(2), now: now)) == [.kill(2)])
        #expect(logic.handle(.ended(2, .signalled(9)), now: now).last == .finish(true))
        #expect(logic.handle(.replace(.rolling), now: now) == [.replaced(true)])
    }

    @Test("The end while nobody lives here is at once")
    func stopEmpty() throws {
        var logic = settled()
        let (_, token) = try #require(delay(logic.handle(.ended(1, .exited(1)), now: now)))
        #expect(logic.handle(.stop, now: now) == [.finish(true)])
        #expect(logic.handle(.start(token), now: now) == [])
    }

    @Test("A worker whose process is not registered is warned of once at each start, with the variable and the form of the name")
    func unregistered() throws {
        var logic = SlotLogic(name: "web.1", group: group())
        _ = logic.begin(now: now)
        #expect(logic.handle(.unregistered(2), now: now) == [])
        guard case .say(let text)? = logic.handle(.unregistered(1), now: now).first else { throw Missing() }
        #expect(text.hasPrefix("web.1 ") && text.contains("$TEMPEST_PROCESS.<anything of its own>") && text.contains("REDIS_URL"))
        #expect(logic.handle(.unregistered(1), now: now) == [])
        #expect(logic.handle(.late(1), now: now).count == 1, "only that it is late")
        let (_, token) = try #require(delay(logic.handle(.ended(1, .exited(1)), now: now)))
        _ = logic.handle(.start(token), now: now)
        #expect(logic.handle(.unregistered(1), now: now) == [], "of one that is gone")
        #expect(logic.handle(.late(2), now: now).count == 2, "that it is late, and this")
        #expect(logic.handle(.ready(2), now: now) == [.served(true)])
        var ready = settled()
        #expect(ready.handle(.unregistered(1), now: now) == [])
    }

    private struct Missing: Error {}

    @Test("A first worker that is late is left to go on")
    func late() {
        var logic = SlotLogic(name: "web.1", group: group())
        _ = logic.begin(now: now)
        #expect(quiet(logic.handle(.late(1), now: now)) == [])
        #expect(logic.handle(.ready(1), now: now) == [.served(true)])
        #expect(logic.handle(.late(1), now: now) == [])
    }
}
