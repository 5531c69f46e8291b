import Foundation
import TempestTesting
import Testing

/// What commands do with input that is too much, and with output that nobody takes.
@Suite("Input and output of the program")
struct OutputTests {
    /// Runs a script in which `$0` is the program and `$1` an empty folder.
    private func shell(
        _ script: String, redis: PrivateRedis? = nil
    ) async throws -> (status: TempestTesting.ExitStatus, lines: [String]) {
        try await withTemporaryDirectory { folder in
            try await ProcessRunner(
                "bash", ["-c", script, Program.path, folder], environment: ["REDIS_URL": redis?.url]
            ).run { child in (try await child.waitForExit(within: .seconds(60)), child.output) }
        }
    }

    @Test(
        "transcode reads no further than the limit",
        arguments: [
            // Without an end: only the limit can stop it.
            #"tr '\0' ' ' </dev/zero | "$0" transcode --to json"#, #""$0" transcode --to json - </dev/zero"#,
            #""$0" transcode --to json /dev/zero"#,
            #"truncate -s 600M "$1/large" && exec "$0" transcode --from json --to json "$1/large""#,
        ])
    func limit(_ script: String) async throws {
        // A quarter of a gigabyte of memory: what is read beyond the limit would not fit. (Addresses are more than memory.)
        let (status, lines) = try await shell(#"ulimit -d 262144; "# + script)
        #expect(status == .exited(1))
        let error = lines.filter { $0.hasPrefix("Error:") }
        #expect(error.count == 1 && error[0].hasSuffix("has more than 16777216 bytes, the limit of a document"), "\(lines)")
    }

    @Test(
        "A file of settings that has no end is not read to its end",
        arguments: [#""$0" supervise /dev/zero"#, #""$0" front --check --config /dev/zero"#, #""$0" front --config /dev/zero"#])
    func settings(_ script: String) async throws {
        let (status, lines) = try await shell("exec " + script)
        #expect(status == .exited(64))
        #expect(lines == ["Error: /dev/zero has more than 1048576 bytes, the limit of a file of settings"])
    }

    @Test("transcode reads a file, and - is standard input; what cannot be read is said")
    func files() async throws {
        let script = #"""
            printf '{"b":1,"a":2}' >"$1/in.json"
            "$0" transcode --to json "$1/in.json"; echo
            "$0" transcode --to json - <"$1/in.json"; echo
            "$0" transcode --to json "$1"
            "$0" transcode --to json "$1/none"
            """#
        let (status, lines) = try await shell(script)
        #expect(status == .exited(1) && lines.prefix(2) == [#"{"a":2,"b":1}"#, #"{"a":2,"b":1}"#])
        #expect(lines.count == 4 && lines[2].hasSuffix("cannot be read: Is a directory"))
        #expect(lines[3].hasSuffix("/none cannot be read: No such file or directory"))
    }

    @Test(
        "A full disk is one sentence, and exit status 1", .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")),
        arguments: [
            "transcode --to msgpack <<<'[1]'", "--help", "queues --json --interval 0.1", "peek mail", "push x", "workers",
            "dead list mail", "front --settings", "bench codecs --only job --rounds 1 --json",
        ])
    func fullDisk(_ command: String) async throws {
        try await withPrivateRedis { redis in
            let (status, lines) = try await shell(#""$0" \#(command) >/dev/full"#, redis: redis)
            #expect(status == .exited(1))
            let errors = lines.filter { $0.contains("rror") }
            #expect(errors == ["Error: standard output cannot be written: No space left on device"], "\(lines)")
        }
    }

    @Test("So is a picture on a full disk", .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func fullPicture() async throws {
        let (status, lines) = try await shell(#""$0" bench codecs --only job --rounds 1 --plot /dev/full >"$1/report""#)
        #expect(status == .exited(1) && lines.last == "Error: /dev/full cannot be written: No space left on device")
    }

    @Test("Errors that cannot be written are no error", .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func fullErrors() async throws {
        try await withPrivateRedis { redis in
            let (status, lines) = try await shell(#"exec "$0" push nobody 2>/dev/full"#, redis: redis)
            #expect(status == .exited(0) && lines.count == 1)
        }
    }

    @Test(
        "A closed pipe ends the program quietly, by SIGPIPE, as it ends others",
        arguments: ["transcode --to json /dev/fd/3 3<<<'[1]'", "--help", "front --settings", "queues"])
    func closedPipe(_ command: String) async throws {
        try await withPrivateRedis { redis in
            // Opened by both and closed by its reader before the program begins: there is no race.
            let script = #"""
                mkfifo "$1/pipe"
                exec 4<>"$1/pipe" 5>"$1/pipe" 4<&-
                "$0" \#(command) >&5
                echo "status $?"
                """#
            let (_, lines) = try await shell(script, redis: redis)
            #expect(lines == ["status 141"], "\(lines)")
        }
    }

    @Test("A call whose answers nobody reads takes its inbox away before it ends")
    func closedCall() async throws {
        try await withPrivateRedis { redis in
            try await Program.runner(["demo-worker", "mail"], redis: redis).run { _ in
                let script = #"""
                    mkfifo "$1/pipe"
                    exec 4<>"$1/pipe" 5>"$1/pipe" 4<&-
                    "$0" call echo 7 --queue mail >&5
                    echo "status $?"
                    """#
                let (_, lines) = try await shell(script, redis: redis)
                #expect(lines.last == "status 141", "\(lines)")
            }
        }
    }

    @Test("Refusals of transcode name the place and the byte")
    func places() async throws {
        let ext: [UInt8] = [0x81, 0xA5] + Array("users".utf8) + [0x92, 0x01, 0x81, 0xA2] + Array("id".utf8) + [0xD4, 5, 7]
        let refused = try await Program.transcode(ext, "msgpack", "json")
        #expect(refused.status == .exited(1) && refused.output.joined().hasSuffix("in $.users[1].id, at byte 13"))
        let marked = try await Program.transcode([0xEF, 0xBB, 0xBF, 0x7B, 0x7D], "auto", "msgpack")
        #expect(marked.status == .exited(1))
        #expect(marked.output.joined().contains("begins with a byte order mark: remove its three bytes"))
        let lines = try await Program.transcode(Array("{}\n{}\n".utf8), "json", "msgpack")
        #expect(lines.status == .exited(1))
        #expect(lines.output.joined().contains("this looks like lines of JSON (ndjson), at byte 3"))
    }

    @Test("An argument of a job that is JSON after a byte order mark is not pushed as text, unless that is said")
    func markedArgument() async throws {
        try await withPrivateRedis { redis in
            let argument = "\u{FEFF}{\"a\":1}"
            for command in [["push", "x"], ["call", "x"], ["publish", "news"]] {
                let (status, output) = try await Program.run(command + [argument], redis: redis)
                #expect(status == .exited(64) && output.joined().contains("begins with a byte order mark"), "\(output)")
            }
            #expect(try await Program.run(["push", "x", argument, "--text"], redis: redis).status == .exited(0))
        }
    }
}
