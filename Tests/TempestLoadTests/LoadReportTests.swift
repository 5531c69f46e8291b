import Foundation
import TempestBench
import TempestCodecs
import TempestTesting
import Testing

@testable import TempestLoad

@Suite("Reports of measured queues")
struct LoadReportTests {
    private func report() -> LoadReport {
        var settings = LoadSettings(program: "tempest")
        settings.command = ["tempest", "bench", "queue"]
        var report = LoadReport(.queue, settings)
        report.figures = [
            Figure("drain", "settled", "jobs/s", [63_000, 61_000.4, 70_000]), Figure("drain", "worker", "us/job", [4.25, 14, 5]),
            Figure("limit", "drain <&> bare", "x", [0.5]),
        ]
        report.notes = ["answers were counted"]
        return report
    }

    @Test("The median of an odd and of an even number of runs, and a quantile")
    func medians() {
        #expect(Figure("g", "n", "x", [3, 1, 2]).median == 2)
        #expect(Figure("g", "n", "x", [4, 1, 2, 3]).median == 2.5)
        #expect(Figure("g", "n", "x", []).median == 0)
        #expect(Figure.quantile((1...100).map(Double.init).shuffled(), 0.99) == 100)
        #expect(Figure.quantile([7], 0.99) == 7)
    }

    @Test("Figures of one name are runs of one figure, in the order in which they came first")
    func sets() {
        var set = FigureSet()
        set.add("a", "x", "s", 1)
        set.add("b", "x", "s", 2)
        set.add("a", "x", "s", 3)
        #expect(set.all.map(\.runs) == [[1, 3], [2]])
        #expect(set.all.map(\.group) == ["a", "b"])
    }

    @Test(
        "Numbers as people read them",
        arguments: [(63_603.4, "63,603"), (1_234_567, "1,234,567"), (999, "999"), (14.52, "14.5"), (0.254, "0.25"), (0, "0.00")])
    func numbers(_ number: Double, _ text: String) { #expect(LoadReport.number(number) == text) }

    @Test("The table says machine, versions, command, medians and extremes")
    func table() {
        let text = report().text(Style(isColoured: false))
        for part in [
            "$ tempest bench queue", "tempest ", "63,000", "61,000", "70,000", "jobs/s", "note: answers were counted",
            report().machine.description,
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }

    @Test("The JSON has every run, and the settings")
    func json() throws {
        let bytes = try JSONCodec().encode(report().value)
        let value = try JSONCodec().value(bytes)
        #expect(value.asMap?["tempest_bench"] == "queue")
        #expect(value.asMap?["settings"]?.asMap?["codec"] == "msgpack")
        let figures = try #require(value.asMap?["figures"]?.asArray)
        #expect(figures.count == 3)
        #expect(figures[0].asMap?["runs"]?.asArray?.count == 3)
        #expect(report()["drain", "worker"] == 5)
    }

    @Test("The picture is well-formed XML, also where names are not, and has a bar for each figure")
    func plot() async throws {
        let svg = LoadPlot(report()).svg
        #expect(svg.contains("drain &lt;&amp;&gt; bare"))
        #expect(svg.components(separatedBy: "#cfe0f6").count == 4)
    }

    @Test("What wrk writes is read; failed requests are an error, not a rate")
    func wrk() throws {
        let lines = """
            Running 2s test @ http://127.0.0.1:1/
              Latency Distribution
                 50%  812.00us
                 75%    9.40ms
                 99%    1.02s
              16384 requests in 2.00s, 2.00MB read
            Requests/sec:   8190.51
            """.split(separator: "\n").map(String.init)
        let read = try Wrk.read(lines)
        #expect(read.rate == 8190.51 && read.p50 == 812 && read.p99 == 1_020_000)
        #expect(throws: LoadError.self) { try Wrk.read(lines + ["  Non-2xx or 3xx responses: 3"]) }
        #expect(throws: LoadError.self) { try Wrk.read(["wrk: cannot"]) }
    }
}
