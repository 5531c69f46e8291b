// Times candidates in rounds: each round runs every candidate once, so that a noisy moment hits all of them.
// Before it: candidates of one payload. After it: a Measurement for each.

/// How candidates are timed.
package struct Rounds: Sendable {
    /// Rounds; the figures are medians over them.
    package var count: Int
    /// What a batch takes at least, unless it is a single operation; nanoseconds.
    package var batch: Double

    package init(count: Int = 7, batch: Double = 5_000_000) {
        (self.count, self.batch) = (count, batch)
    }

    /// Times them all. A candidate that throws is left out, also when it throws late: one whose process has ended does not end the run.
    /// Its reason comes back beside the measurements.
    func measure(
        _ candidates: [Candidate], progress: (_ round: Int) -> Void
    ) async throws -> (measurements: [Measurement], failures: [String]) {
        var failures: [String] = []
        var running: [(candidate: Candidate, iterations: Int, times: [Double])] = []
        func reason(_ key: CandidateKey, _ error: any Error) -> String {
            "\(key.maker) cannot \(key.direction) this as \(key.codec) (\(key.kind)): \(error)"
        }
        progress(0)
        for candidate in candidates {
            try Task.checkCancellation()
            do {
                running.append((candidate, try await calibrate(candidate), []))
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                failures.append(reason(candidate.key, error))
            }
        }
        var failed: Set<CandidateKey> = []
        for round in 0..<count {
            progress(round + 1)
            for step in running.indices {
                try Task.checkCancellation()
                // Each round begins elsewhere: nobody always runs after the same neighbour.
                let place = (step + round * 5) % running.count
                let (candidate, iterations) = (running[place].candidate, running[place].iterations)
                guard !failed.contains(candidate.key) else { continue }
                do {
                    let time = try await candidate.run(iterations)
                    running[place].times.append(time / Double(iterations))
                } catch is CancellationError {
                    throw CancellationError()
                } catch {
                    failed.insert(candidate.key)
                    failures.append(reason(candidate.key, error))
                }
            }
        }
        let measurements = running.filter { !failed.contains($0.candidate.key) }.map {
            Measurement($0.candidate.key, bytes: $0.candidate.bytes, iterations: $0.iterations, rounds: $0.times)
        }
        return (measurements, failures)
    }

    /// How many operations fill a batch. The first run warms up.
    private func calibrate(_ candidate: Candidate) async throws -> Int {
        _ = try await candidate.run(1)
        var iterations = 1
        while true {
            let time = max(1, try await candidate.run(iterations))
            if time >= batch { return iterations }
            // At most tenfold: short runs are the least exact.
            let wanted = Double(iterations) * batch * 1.2 / time
            iterations = max(iterations + 1, min(iterations * 10, Int(wanted.rounded(.up))))
        }
    }
}
