import Testing

@testable import TempestSupervisor

@Suite("Plans")
struct PlanReaderTests {
    @Test("A short group has good defaults")
    func short() throws {
        let groups = try PlanReader.read("workers:\n  - name: web\n    command: [python3, worker.py]\n", file: "p.yaml")
        #expect(groups == [WorkerGroup(name: "web", command: ["python3", "worker.py"])])
        let group = groups[0]
        #expect(group.count == 1 && group.restart == .always && group.ready == .registered && group.memoryLimit == nil)
        #expect(group.grace == .seconds(30) && group.readyWithin == .seconds(30))
    }

    @Test("Everything that can be said is read")
    func whole() throws {
        let text = """
            workers:
              - name: web
                command: ["ruby", "w.rb", "--queue=a b", "7"]
                count: 4
                environment: {LOG: debug, N: 5, EMPTY: "", FLAG: yes}
                directory: /srv/app
                memory: 512MB
                restart: on-failure
                grace: 2.5
                ready: 3
                ready_within: 60
              - {name: second, command: [x], ready: registered, restart: never}
            """
        let groups = try PlanReader.read(text, file: "p.yaml")
        var web = WorkerGroup(name: "web", command: ["ruby", "w.rb", "--queue=a b", "7"])
        web.count = 4
        web.environment = ["LOG": "debug", "N": "5", "EMPTY": "", "FLAG": "yes"]
        web.directory = "/srv/app"
        web.memoryLimit = 512_000_000
        web.restart = .onFailure
        web.grace = .milliseconds(2500)
        web.ready = .started(.seconds(3))
        web.readyWithin = .seconds(60)
        var second = WorkerGroup(name: "second", command: ["x"])
        second.restart = .never
        #expect(groups == [web, second])
    }

    @Test(
        "What is not understood is refused with its line and what is expected",
        arguments: [
            ("", nil, "it is empty; expected `workers:`"),
            ("workers: []", 1, "`workers` is a list; expected a list of groups"),
            ("workers: 3", 1, "`workers` is a single value"),
            ("- a", 1, "the plan is a list; expected `workers:`"),
            ("worker:\n  - name: a", 1, #"the plan has no key "worker"; there are workers"#),
            ("workers:\n  - name: a", 2, "the group has no `command:`"),
            ("workers:\n  - command: [a]", 2, "the group has no `name:`"),
            ("workers:\n  - name: a.b\n    command: [a]", 2, #""a.b" is no name; expected 1 to 40 of"#),
            (
                "workers:\n  - name: a\n    command: python3 w.py", 3,
                #"expected a list, because no shell reads it: ["python3", "w.py"]"#
            ),
            ("workers:\n  - name: a\n    command: []", 3, "`command` is empty"),
            ("workers:\n  - name: a\n    command: [a, [b]]", 3, "`command` is a list; expected a list of words"),
            (
                "workers:\n  - name: a\n    command: [a]\n    count: many", 4,
                #"`count` is "many"; expected a whole number from 1 to 1000"#
            ),
            ("workers:\n  - name: a\n    command: [a]\n    count: 0", 4, "expected a whole number"),
            ("workers:\n  - name: a\n    command: [a]\n    count:", 4, "`count` is empty"),
            (
                "workers:\n  - name: a\n    command: [a]\n    cuont: 2", 4,
                #"a group has no key "cuont"; there are name, command, count"#
            ),
            ("workers:\n  - name: a\n    command: [a]\n    memory: 12", 4, "expected a size such as 512MB"),
            ("workers:\n  - name: a\n    command: [a]\n    restart: sometimes", 4, "expected one of always, on-failure, never"),
            ("workers:\n  - name: a\n    command: [a]\n    grace: -1", 4, "expected a number of seconds from 0 to 86400"),
            ("workers:\n  - name: a\n    command: [a]\n    grace: nan", 4, "expected a number of seconds"),
            ("workers:\n  - name: a\n    command: [a]\n    ready: soon", 4, "expected `registered` or a number of seconds"),
            ("workers:\n  - name: a\n    command: [a]\n    environment: [A]", 4, "`environment` is a list; expected a map"),
            ("workers:\n  - name: a\n    command: [a]\n    environment:\n      TEMPEST_PROCESS: x", 5, "is the supervisor's"),
            ("workers:\n  - name: a\n    command: [a]\n    environment:\n      X: [1]", 5, "`X` is a list; expected text"),
            ("workers:\n  - name: a\n    command: [a]\n  - name: a\n    command: [b]", 4, "there is another group named a"),
            ("workers:\n  - name: a\n    name: b\n    command: [a]", 2, #"the key "name" is there twice"#),
            ("workers:\n  - name: [a\n", 3, "this is no YAML"),
        ] as [(String, Int?, String)])
    func refused(_ text: String, _ line: Int?, _ message: String) throws {
        let error = try #require(throws: PlanError.self) { try PlanReader.read(text, file: "p.yaml") }
        #expect(error.description.contains(message), "\(error)")
        if let line { #expect(error.description.hasPrefix("p.yaml, line \(line): "), "\(error)") }
    }

    @Test(
        "Sizes",
        arguments: [
            ("512MB", 512_000_000), ("512 mb", 512_000_000), ("1.5GB", 1_500_000_000), ("768MiB", 805_306_368),
            ("2G", 2_000_000_000),
            ("1000000B", 1_000_000), ("512", nil), ("MB", nil), ("-1MB", nil), ("1e9MB", nil), ("0.1MB", nil),
            ("999999999999GB", nil),
        ] as [(String, UInt64?)])
    func sizes(_ text: String, _ bytes: UInt64?) {
        #expect(ByteSize.parse(text) == bytes)
    }

    @Test("A program or a directory that is not there is named before anything is started")
    func programs() throws {
        var group = WorkerGroup(name: "web", command: ["no-such-program-anywhere"])
        #expect(throws: PlanError("web: there is no program no-such-program-anywhere on PATH that can be run")) {
            try Programs.check(group)
        }
        group.command = ["/etc/passwd"]
        #expect(throws: PlanError("web: there is no program at /etc/passwd that can be run")) { try Programs.check(group) }
        group.command = ["sh"]
        try Programs.check(group)
        group.environment = ["PATH": "/nonexistent"]
        #expect(throws: PlanError.self) { try Programs.check(group) }
        group.environment = [:]
        group.directory = "/nonexistent"
        #expect(throws: PlanError("web: there is no directory /nonexistent")) { try Programs.check(group) }
    }

    @Test("The group and the state of a process are what follows its name, whatever that is")
    func group() throws {
        let running = try #require(ProcessGroup.parse(Array("12 (a) Z (b) S 1 77 77 0 -1".utf8)))
        #expect(running.isRunning && running.group == 77)
        let ended = try #require(ProcessGroup.parse(Array("12 (sh) Z 1 77 77 0 -1".utf8)))
        #expect(!ended.isRunning && ended.group == 77)
        #expect(ProcessGroup.parse(Array("12".utf8)) == nil)
    }

    @Test("The resident size is the second number of statm, in pages")
    func resident() {
        #expect(ResidentSize.parse("100 42 7 1 0 9 0\n", page: 4096) == 172_032)
        #expect(ResidentSize.parse("", page: 4096) == nil)
    }
}
