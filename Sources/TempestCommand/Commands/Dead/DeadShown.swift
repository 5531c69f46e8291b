// Dead records as people and programs read them. Before it: client.dead. Everything in a record is hostile: see Shown.

import Tempest

enum DeadShown {
    /// Everything, for programs.
    static func value(_ record: DeadRecord) -> Value {
        var map: ValueMap = [
            "id": .text(record.id), "time": Value(record.time), "level": .text(record.level), "reason": .text(record.reason),
            "detail": .text(record.detail), "by": .text(record.by), "crashes": .int(Int64(record.crashes)),
            "attempt": record.attempt.map { .int(Int64($0)) } ?? .null,
        ]
        if let job = record.job {
            map["codec"] = .text(job.codec.name)
            map["action"] = .text(job.action)
            if case .integer(let id) = job.id { map["job_id"] = Value(id) } else { map["job_id"] = .text(job.id.description) }
            map["respond_to"] = job.respondTo.map { .text($0) } ?? .null
            map["meta"] = .map(job.meta)
            // What JSON has no form for stands in the payload alone.
            map["args"] = (try? JSONCodec().encode(job.args)).map { _ in job.args.value }
            if (try? JSONCodec().encode(Value.map(job.meta))) == nil { map["meta"] = nil }
        } else {
            map["trouble"] = .text(record.trouble ?? "")
        }
        map["bytes"] = .int(Int64(record.payload.count))
        map["payload"] = Shown.value(record.payload)
        return .map(map)
    }

    /// A line a record; the detail, which comes last, takes what is left of the width.
    static func table(_ records: some Sequence<DeadRecord>, width: Int?) -> String {
        var table = Table([
            ("ID", .left), ("WHEN", .left), ("ACTION", .left), ("REASON", .left), ("ATTEMPT", .right), ("CRASHES", .right),
            ("BY", .left), ("DETAIL", .left),
        ])
        for record in records {
            table.add([
                Shown.cut(Shown.escapingControls(record.id), to: 41), Moment.shown(record.time),
                Shown.cut(record.job.map { Shown.escapingControls($0.action) } ?? "-", to: 40),
                Shown.cut(Shown.escapingControls(record.reason), to: 30), record.attempt.map(String.init) ?? "-",
                String(record.crashes), Shown.cut(Shown.escapingControls(record.by), to: 60),
                Shown.cut(Shown.escapingControls(record.detail), to: 500),
            ])
        }
        guard let width else { return table.text }
        return table.text.split(separator: "\n").map { Shown.cut(String($0), to: width) }.joined(separator: "\n")
    }

    /// All of one record over several lines.
    static func page(_ record: DeadRecord) -> String {
        var lines = [("id", record.id), ("died", Moment.shown(record.time)), ("level", record.level), ("reason", record.reason)]
        lines.append(("detail", record.detail))
        lines.append(("by", record.by))
        lines.append(("crashes", String(record.crashes)))
        if let job = record.job {
            lines.append(("action", job.action))
            lines.append(("job id", job.id.description))
            lines.append(("attempt", record.attempt.map(String.init) ?? "-"))
            lines.append(("answers", job.respondTo.map { "to \($0)" } ?? "nobody waits"))
        } else {
            lines.append(("no job", record.trouble ?? ""))
        }
        let head = lines.map { name, text in
            "\(name):" + String(repeating: " ", count: 9 - name.count) + Shown.cut(Shown.escapingControls(text), to: 4000)
        }
        return (head + ["", payload(record.payload)]).joined(separator: "\n")
    }

    /// The bytes as JSON where they are a document of a codec and JSON has forms for it; else as text or in hexadecimal.
    private static func payload(_ bytes: [UInt8]) -> String {
        guard let codec = CodecSet.standard.detect(bytes), let value = try? codec.value(bytes) else {
            return "payload (\(bytes.count) bytes, no document):\n\(Shown.bytes(bytes, most: 4096))"
        }
        return "payload (\(codec.name), \(bytes.count) bytes):\n\(Shown.pretty(value))"
    }
}
