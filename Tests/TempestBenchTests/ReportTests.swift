import Foundation
import TempestCodecs
import Testing

@testable import TempestBench

#if canImport(FoundationXML)
import FoundationXML
#endif

@Suite("Reports")
struct ReportTests {
    /// Figures that are made up: ours at twice orjson's time to read, at half of it to write.
    static var report: BenchReport {
        var report = BenchReport(seed: 5, rounds: 3, isOptimised: true)
        report.isComparison = true
        report.versions = [("tempest", "0.1.0"), ("orjson", "3.13.0")]
        report.date = "2026-01-01T00:00:00Z"
        var job = PayloadResult(name: "job", about: "a <job> & \"more\"")
        job.sizes = [
            CodecSize(
                codec: "json", bytes: 120,
                compressed: [.init(name: "gzip -6", bytes: 110), .init(name: "zstd -3", bytes: 100)], peak: 5_000_000,
                losses: ["json: something"]),
            CodecSize(codec: "msgpack", bytes: 90),
            CodecSize(codec: "tnetstring", bytes: nil, refusal: "tnetstring: no form for an ext"),
        ]
        func add(_ maker: String, _ codec: String, _ direction: CandidateKey.Direction, _ rounds: [Double]) {
            job.measurements.append(
                Measurement(CandidateKey(maker, codec, .value, direction), bytes: 120, iterations: 10, rounds: rounds))
        }
        add("tempest", "json", .decode, [2000, 4000, 2000])
        add("tempest", "json", .encode, [500, 500, 500])
        add("tempest", "msgpack", .decode, [1000, 1000, 1000])
        add("tempest", "msgpack", .encode, [500, 500, 500])
        add("orjson", "json", .decode, [1000, 2000, 1000])
        add("orjson", "json", .encode, [1000, 1000, 500_000])
        report.payloads = [job, PayloadResult(name: "empty\u{1B}<&>", about: "")]
        return report
    }

    @Test("Ratios are medians of the rounds' own ratios; rows and columns without any are left out")
    func ratios() {
        let table = RatioTable(Self.report.payloads)
        #expect(table.columns == ["job"])
        #expect(table.rows.map(\.row.label) == ["JSON → Value / orjson.loads", "Value → JSON / orjson.dumps"])
        #expect(table.rows.map(\.ratios) == [[2.0], [0.5]])
    }

    @Test("The rows of the comparison are all there, both ways")
    func rows() {
        let labels = RatioRow.all.map(\.label)
        #expect(labels.count == 24)
        #expect(labels.contains("MessagePack → Value / ormsgpack.unpackb") && labels.contains("tokens → JSON / orjson.dumps"))
        #expect(labels.contains("Value → tnetstring / tnetstring3.dumps") && labels.contains("Codable → JSON / JSONEncoder"))
        for codec in ["JSON", "MessagePack"] {
            for kind in ["tokens", "Codable"] {
                #expect(
                    labels.contains("\(codec) → \(kind) / msgspec.Struct")
                        && labels.contains("\(kind) → \(codec) / msgspec.Struct"))
            }
        }
    }

    @Test("Medians and spreads")
    func medians() {
        let key = CandidateKey("tempest", "json", .value, .decode)
        let odd = Measurement(key, bytes: 1, iterations: 1, rounds: [3, 1, 2])
        #expect(odd.median == 2 && odd.minimum == 1 && odd.spread == 1)
        #expect(Measurement(key, bytes: 1, iterations: 1, rounds: [1, 3]).median == 2)
    }

    @Test("The text has sizes, times with units, refusals, advice and ratios; colour only where it is wanted")
    func text() {
        let text = TextReport(Self.report, style: Style(isColoured: false)).text
        #expect(!text.contains("\u{1B}"))
        for part in [
            "codec     size                            gzip -6  zstd -3  memory to read",
            "json     120 B  ████████████████████████    110 B    100 B         5.00 MB",
            "msgpack   90 B  ██████████████████              -        -               -", "no form for an ext", "2.00 µs",
            "500 ns",
            "lost in json: something", "→ size: MessagePack is smallest (JSON is 1.33 x as large).",
            "→ Swift, a Value: fewer than 4 rounds",
            "JSON → Value / orjson.loads  2.00", "seed 5",
        ] { #expect(text.contains(part), "\(part)") }
        #expect(TextReport(Self.report, style: Style(isColoured: true)).text.contains("\u{1B}[32m0.50\u{1B}[0m"))
    }

    @Test("A build without optimisation is warned of, loudly")
    func warning() {
        var report = Self.report
        report.isOptimised = false
        #expect(TextReport(report, style: Style(isColoured: false)).text.contains("WITHOUT OPTIMISATION"))
        #expect(Plot(report).svg.contains("WITHOUT OPTIMISATION"))
        #expect(TextReport.warning(Self.report) == nil)
    }

    @Test("The JSON has what is documented")
    func json() throws {
        let bytes = try JSONCodec().encode(JSONReport.value(Self.report))
        let value = try JSONCodec().value(bytes)
        #expect(value["tempest_bench"] == "codecs" && value["seed"] == 5 && value["optimised"] == true)
        let job = try #require(value["payloads"]?[0])
        #expect(job["sizes"]?["json"]?["gzip_bytes"] == 110 && job["sizes"]?["json"]?["zstd_bytes"] == 100)
        #expect(job["sizes"]?["json"]?["peak_bytes"] == 5_000_000 && job["sizes"]?["json"]?["losses"] == ["json: something"])
        #expect(job["advice"]?.asArray?.count == 2 && job["sizes"]?["tnetstring"]?["bytes"] == .null)
        let first = try #require(job["measurements"]?[0])
        #expect(first["median_ns"] == 2000.0 && first["rounds_ns"] == [2000.0, 4000.0, 2000.0] && first["operation"] == "decode")
        #expect(value["ratios"]?[1]?["ratio"] == 0.5 && value["ratios"]?[1]?["peer"] == "orjson")
    }

    @Test("The plot is well-formed XML, whatever names hold, with the times in words")
    func plot() throws {
        let svg = Plot(Self.report).svg
        let parser = XMLParser(data: Data(svg.utf8))
        #expect(parser.parse(), "\(String(describing: parser.parserError))")
        #expect(svg.contains(">2.00 µs</text>") && svg.contains("a &lt;job&gt; &amp; &quot;more&quot;"))
        #expect(!svg.contains("\u{1B}") && svg.contains("bytes to values"))
        // A bar far beyond the others is cut off and says so.
        #expect(svg.contains("fill=\"#cfe0f6\""))
    }

    @Test(
        "Figures have three digits and a unit",
        arguments: [
            (0.5, "0.50 ns"), (999.4, "999 ns"), (999.6, "1.00 µs"), (12_345, "12.3 µs"), (999_499, "999 µs"),
            (4_560_000, "4.56 ms"),
            (1.2e9, "1.20 s"),
        ])
    func times(_ nanoseconds: Double, _ text: String) {
        #expect(Units.time(nanoseconds: nanoseconds) == text)
    }

    @Test("Sizes and ratios")
    func sizes() {
        #expect(Units.size(999) == "999 B" && Units.size(19_800) == "19.8 KB" && Units.size(1_050_000) == "1.05 MB")
        #expect(Units.ratio(0.084) == "0.08" && Units.ratio(136.4) == "136")
        #expect(PlotPanel.roundedUp(5300) == 6000 && PlotPanel.roundedUp(1) == 1)
    }
}
