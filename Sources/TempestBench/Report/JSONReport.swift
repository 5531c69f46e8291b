// The report for programs: one JSON document. docs/codecs-benchmark.md lists its keys.
// Before it: a BenchReport. After it: standard output.

package import TempestCodecs

/// The report as a value.
package enum JSONReport {
    package static func value(_ report: BenchReport) -> Value {
        [
            "tempest_bench": "codecs",
            "optimised": .bool(report.isOptimised),
            "date": .text(report.date),
            "command": .array(report.command.map { .text(Shown.name($0)) }),
            "seed": Value(report.seed),
            "rounds": Value(report.rounds),
            "machine": [
                "system": .text(report.machine.system), "architecture": .text(report.machine.architecture),
                "processor": .text(report.machine.processor), "cores": Value(report.machine.cores),
            ],
            "versions": .map(ValueMap(report.versions.map { ($0.name, .text($0.version)) })),
            "missing_peers": .array(report.missingPeers.map { .text($0) }),
            "payloads": .array(report.payloads.map(payload)),
            "ratios": ratios(RatioTable(report.payloads)),
        ]
    }

    private static func payload(_ payload: PayloadResult) -> Value {
        [
            "name": .text(payload.name),
            "about": .text(payload.about),
            "sizes": .map(
                ValueMap(
                    payload.sizes.map { size in
                        (
                            size.codec,
                            [
                                "bytes": integer(size.bytes), "gzip_bytes": integer(size.compressed("gzip -6")),
                                "zstd_bytes": integer(size.compressed("zstd -3")), "peak_bytes": integer(size.peak),
                                "losses": .array(size.losses.map { .text($0) }),
                                "refused": size.refusal.map { .text($0) } ?? .null,
                            ]
                        )
                    })),
            "measurements": .array(payload.measurements.map(measurement)),
            "remarks": .array(payload.remarks.map { .text($0) }),
            "advice": .array(payload.advice.map { .text($0) }),
        ]
    }

    private static func measurement(_ found: Measurement) -> Value {
        [
            "library": .text(found.key.maker), "codec": .text(found.key.codec), "kind": .text(found.key.kind.rawValue),
            "operation": .text(found.key.direction.rawValue), "bytes": Value(found.bytes), "iterations": Value(found.iterations),
            "median_ns": .double(found.median), "min_ns": .double(found.minimum), "spread": .double(found.spread),
            "rounds_ns": .array(found.rounds.map { .double($0) }),
        ]
    }

    private static func ratios(_ table: RatioTable) -> Value {
        .array(
            table.rows.flatMap { row, ratios in
                zip(table.columns, ratios).compactMap { column, ratio -> Value? in
                    guard let ratio else { return nil }
                    return [
                        "payload": .text(column), "codec": .text(row.ours.codec), "operation": .text(row.ours.direction.rawValue),
                        "kind": .text(row.ours.kind.rawValue), "peer": .text(row.peer.maker),
                        "peer_kind": .text(row.peer.kind.rawValue), "ratio": .double(ratio), "label": .text(row.label),
                    ]
                }
            })
    }

    private static func integer(_ number: Int?) -> Value { number.map { Value($0) } ?? .null }
}

extension CodecSize {
    fileprivate func compressed(_ name: String) -> Int? { compressed.first { $0.name == name }?.bytes }
}
