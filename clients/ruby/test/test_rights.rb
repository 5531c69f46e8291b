# frozen_string_literal: true

# Redis ACLs: everything works with exactly the rights that protocol/queues.md lists, and a right that is missing is said. Redis keeps a log
# of what it has refused. It finds what nobody would see otherwise: work that went on without.

require_relative "rights"

class RightsTest < Minitest::Test
  # Handlers that use no Redis of their own. What runs leaves a file; what is to wait does so until there is `<word>.go`.
  PROGRAM = <<~RUBY
    require "tempest"
    url, folder, lease, grace, without = ARGV
    worker = Tempest::Worker.new("q", redis_url: url, concurrency: 4, lease: lease.to_f, grace: grace.to_f)
    worker.handle("echo") { |*args| args }
    worker.handle("rare") { |*args| args } unless without == "rare"
    worker.handle("count", context: true) { |context, to| to.times { |n| context.send_answer(n) }; "end" }
    worker.handle("hold", context: true) do |context, word|
      File.write(File.join(folder, word), "")
      until File.exist?(File.join(folder, "\#{word}.go"))
        context.check
        sleep 0.005
      end
      word
    end
    worker.handle("flaky", context: true, attempts: 4, backoff: [0.05, 0.05]) do |context, good|
      context.attempt < good ? raise("not yet") : context.attempt
    end
    worker.handle("again", context: true, attempts: 2) do |context|
      context.attempt == 1 ? raise(Tempest::Retry.new(after: 0)) : context.attempt
    end
    worker.handle("session", context: true) do |context|
      visitor = context.session
      visitor.set("user", "anna")
      visitor.set("gone", 1)
      visitor.delete("gone")
      [visitor.get("user"), visitor.all]
    end
    worker.run
  RUBY

  def setup
    @redis = PrivateRedis.new
    call("FUNCTION", "LOAD", "REPLACE", Tempest::Functions.source)
    call("ACL", "LOG", "RESET")
    @endings = []
  end

  def teardown
    @endings.reverse_each(&:call)
    @redis.stop
  end

  def call(*command) = @redis.call(*command.map(&:to_s))
  def user(who, name = who.tr(" ", "-"), **options) = Rights.make_user(@redis, name, Rights.of(who, **options))
  def boss = @boss ||= client(@redis.url)
  def client(url) = Tempest::Client.new(queue: "q", redis_url: url).tap { |made| @endings << -> { made.close } }
  def counts(name) = call("HGET", "{q}:!counts", name).to_i

  def worker(url, lease: 10, grace: 1, without: "-")
    Program.new(@redis, RbConfig.ruby, "-I", RedisTest::LIBRARY, "-e", PROGRAM, url, @redis.folder, lease.to_s, grace.to_s, without)
           .tap { |made| @endings << -> { made.kill } }.wait_for("tempest worker ready")
  end

  def file(word) = File.join(@redis.folder, word)
  def began(word) = Await.until("#{word} to begin") { File.exist?(file(word)) }
  def go(word) = File.write(file("#{word}.go"), "")
  def assert_nothing_refused = assert_equal([], Rights.denials(@redis))

  # @return [String] its inbox
  def job(action, *args, inbox: SecureRandom.hex(8), job_id: SecureRandom.hex(8), **meta)
    call("RPUSH", "q", JSON.generate([action, args, inbox, job_id, meta]))
    inbox
  end

  def answer(inbox, queue = "q") = JSON.parse(call("BLPOP", "{#{queue}}:in:#{inbox}", 20).last)[2]
end

class TestRightsOfClients < RightsTest
  def test_a_producer_pushes_jobs_and_says_when_they_expire
    producer = client(user("producer"))
    %w[high default low].each { |level| producer.push("echo", 1, level: level, expires: 60) }
    producer.push_many([["echo", 1], ["echo", 2]])
    assert_nothing_refused
  end

  def test_a_producer_of_delayed_jobs_pushes_some_for_later_for_soon_and_for_now
    producer = client(user("producer of delayed jobs"))
    call("HSET", "{q}:!clock", "keeper", "p.1")
    [60, 0.5, 0].each { |seconds| producer.push("echo", 1, after: seconds) }
    %w[high default low].each { |level| producer.push("echo", 1, level: level) }
    assert_equal [2, 2], [call("ZCARD", "{q}:!delayed"), call("LLEN", "q")]
    assert_nothing_refused
  end

  def test_a_publisher_publishes_events_that_are_kept_and_others
    publisher = client(user("publisher of events"))
    publisher.publish("news", { a: 1 })
    publisher.publish("news", "now", keep: 0)
    publisher.end_streams("news")
    assert_nothing_refused
  end

  def test_a_caller_calls_streams_delays_and_cancels
    worker(@redis.url)
    caller = client(user("caller"))
    assert_equal [1], caller.call("echo", 1)
    assert_equal [0, 1, 2, "end"], caller.stream("count", 3).to_a
    assert_raises(Tempest::CallTimeout) { caller.call("hold", "late", timeout: 1) }
    caller.push("echo", after: 0.05)
    caller.push("echo", after: 600)
    id = caller.push("hold", "cancelled")
    began("cancelled")
    assert_equal 1, caller.cancel(id)
    Await.until("it to be cancelled") { counts("cancelled") == 1 }
    refute caller.tell("q", "nobody", "1", ["frame"])
    assert caller.tell("q", call("HKEYS", "{q}:!inboxes").find { |name| !name.include?("#") }.encode("UTF-8"), "1", ["frame"])
    call("CLIENT", "KILL", "USER", "caller")
    Await.until("it to be back") { caller.call("echo", 2, timeout: 5) rescue nil }
    # Idle for longer than a connection is trusted.
    sleep_until_stale = Tempest.now + Tempest::Connection::STALE
    Await.until("the connection to be old") { Tempest.now > sleep_until_stale }
    assert_equal [3], caller.call("echo", 3)
    caller.close
    assert_nothing_refused
  end
end

class TestRightsOfWorkers < RightsTest
  def setup
    super
    @url = user("worker with sessions", "worker", queues: %w[q other])
  end

  def test_a_worker_answers_tries_again_and_buries
    made = worker(@url, lease: 2)
    assert_equal [[0], [1], [2]], %w[high default low].each_with_index.map { |level, n| boss.call("echo", n, level: level) }
    assert_equal [0, 1, 2, "end"], boss.stream("count", 3).to_a
    assert_equal [3, 2], [boss.call("flaky", 3), boss.call("again")]
    assert_equal ["once"], boss.call("echo", "once", once: true)
    assert_equal [[[[1]]], [[[1]]]], boss.call("echo", 1, route: ["echo", %w[echo echo], { action: "echo", queue: "q" }])
    assert_raises(Tempest::RemoteError) { boss.call("echo", 9, route: [%w[flaky echo], "echo"], attempts: 1) }
    call("XADD", "{q}:!dead", "1-1", "job", "x", "level", "default", "reason", "poison", "detail", "", "by", "p", "tries", "1")
    call("HSET", "{q}:!counts", "dead_bytes", 1)
    2.times { boss.push("flaky", 9, attempts: 1) }
    call("RPUSH", "q", "no job at all")
    Await.until("all to be dead") { counts("dead") == 3 }
    assert_empty call("XRANGE", "{q}:!dead", "1-1", "1-1")
    job("echo", 7, inbox: "box@other")
    assert_equal [[7]], answer("box", "other")
    inbox = job("count", 5, job_id: "flow", credits: 2)
    answer(inbox)
    call("FCALL", "tempest1_credit", 1, "q", "flow", 6)
    assert_equal ["end"], Array.new(5) { answer(inbox) }.last
    assert_equal [["anna", { "user" => "anna" }]], answer(job("session", session: "s" * 43))
    made.signal("TERM")
    assert_predicate made.wait, :success?
    assert_nothing_refused
  end

  def test_a_worker_delays_promotes_and_sweeps
    call("HSET", "{q}:!inboxes", "gone", 5, "gone#", 0)
    call("HSET", "{q}:!idle", "gone", "5/2")
    call("ZADD", "{q}:!cancelled", 1, "long ago")
    call("ZADD", "{q}:!grave", 1, "p.1", "9e15", "p.2")
    call("SADD", "{q}:!levels", "high")
    call("RPUSH", "{q}:!land:p.2:high", '["echo",[1],null,"landed"]')
    worker(@url)
    Await.until("an inbox to be swept") { call("EXISTS", "{q}:!idle").zero? && call("HEXISTS", "{q}:!inboxes", "gone").zero? }
    Await.until("what landed to be found") { counts("settled") == 1 }
    boss.push("echo", 1, after: 0.3)
    boss.push("echo", 1, after: 1.5)
    Await.until("both to be promoted") { counts("settled") == 3 }
    call("ZADD", "{q}:!delayed", 1, "no job of ours")
    Await.until("it to go") { call("EXISTS", "{q}:!delayed").zero? }
    assert_nothing_refused
  end

  def test_a_worker_is_paused_and_cancels
    worker(@url)
    running = boss.push("hold", "running")
    began("running")
    call("FCALL", "tempest1_pause", 1, "q", "default")
    waiting = boss.push("echo", "waits")
    boss.push("echo", "high", level: "high")
    Await.until("the other level to be served") { counts("settled") == 1 }
    boss.cancel(waiting)
    boss.cancel(running)
    Await.until("it to be told") { counts("cancelled") == 1 }
    call("FCALL", "tempest1_resume", 1, "q")
    Await.until("the other to be skipped") { counts("cancelled") == 2 }
    assert_nothing_refused
  end

  def test_jobs_of_unknown_actions_wait_for_a_worker_that_knows_them_or_are_given_up
    worker(@url, without: "rare")
    # Else nobody has been there before the job, and it waits for those that may come back.
    Await.until("somebody to keep the clock") { call("HEXISTS", "{q}:!clock", "swept") == 1 }
    boss.push("rare", "first")
    Await.until("it to wait") { call("EXISTS", "{q}:!unknown") == 1 }
    worker(@url)
    Await.until("it to be run") { counts("settled") == 1 }
    assert_equal 0, counts("dead")
    boss.push("unheard", "of")
    Await.until("it to wait") { call("EXISTS", "{q}:!unknown") == 1 }
    # It has waited for long, and nobody was there who knew it; beside it is something that is no kind.
    call("KEYS", "{q}:!unknown:*").each { |key| call("ZRANGE", key, 0, -1).each { |member| call("ZADD", key, 1, member) } }
    call("HSET", "{q}:!known", "default:unheard", 1)
    call("ZADD", "{q}:!unknown", 1, "no kind", 1, "default:unheard")
    Await.until("it to be given up") { counts("dead") == 1 }
    assert_nothing_refused
  end

  def test_the_jobs_of_a_worker_that_was_killed_are_taken_back
    other = user("worker", "other")
    killed = worker(other, lease: 1)
    caller = Thread.new { boss.call("hold", "once", once: true, timeout: 60) rescue $! }
    began("once")
    boss.push("hold", "crash")
    began("crash")
    killed.kill
    FileUtils.rm(file("crash"))
    second = worker(other, lease: 1)
    began("crash")
    assert_equal "interrupted", caller.value.code
    second.kill
    FileUtils.rm(file("crash"))
    worker(@url, lease: 1)
    began("crash")
    go("crash")
    Await.until("its end") { counts("settled") >= 1 }
    assert_nothing_refused
  end

  def test_a_worker_whose_connections_are_cut_or_that_is_fenced_goes_on
    worker(@url)
    boss.push("hold", "cut")
    began("cut")
    3.times do
      call("CLIENT", "KILL", "USER", "worker")
      assert_equal [1], boss.call("echo", 1)
    end
    go("cut")
    Await.until("it to be settled") { counts("settled") == 4 }
    call("HKEYS", "{q}:!procs").each { |process| call("FCALL", "tempest1_reap", 1, "q", process, "*", "told") }
    assert_equal [2], boss.call("echo", 2)
    call("FLUSHALL")
    assert_equal [3], boss.call("echo", 3)
    assert_nothing_refused
  end

  def test_orders_of_operators_are_heard_and_what_still_runs_goes_back
    workers = Array.new(2) { worker(@url, grace: 0.3) }
    boss.push("hold", "runs")
    began("runs")
    Await.until("both to be on record") { call("HLEN", "tempest:nodes") == 2 && call("SMEMBERS", "tempest:queues") == ["q"] }
    Await.until("both to listen") { call("PUBSUB", "NUMSUB", "tempest:control").last == 2 }
    call("PUBLISH", "tempest:control", JSON.generate(to: "*", do: "quiet"))
    Await.until("both to be quiet") { call("HVALS", "tempest:nodes").all? { |record| record.include?('"quiet"') } }
    call("PUBLISH", "tempest:control", JSON.generate(to: "*", do: "stop"))
    workers.each { |made| assert_predicate made.wait, :success? }
    assert_equal [1, 0, 0], [call("LLEN", "q"), call("HLEN", "tempest:nodes"), call("EXISTS", "{q}:!procs")]
    assert_nothing_refused
  end
end

class TestMissingRights < RightsTest
  VECTORS = JSON.parse(File.read(File.expand_path("../../../protocol/vectors/rights.json", __dir__)))

  def setup
    super
    @url = user("worker", "bob")
  end

  def change(*words) = call("ACL", "SETUSER", "bob", *words)

  def test_what_redis_says_becomes_a_sentence_that_names_the_user_and_the_right
    VECTORS["denials"].each { |entry| assert_equal entry["message"], Tempest::Rights.denial(entry["reply"], entry["user"]) }
    VECTORS["others"].each { |reply| assert_nil Tempest::Rights.denial(reply, "bob"), reply }
  end

  def test_a_producer_or_caller_is_told_which_right_is_missing
    made = client(@url)
    [["-rpush", -> { made.push("echo") }, 'the Redis user "bob" may not run "rpush"'],
     ["+rpush resetkeys", -> { made.push("echo") }, 'the Redis user "bob" may not use a key of this command'],
     ["~* -zadd", -> { made.push("echo", after: 60) }, "may not run a command of the function tempest1_delay"],
     ["+zadd resetkeys ~q", -> { made.push("echo", after: 60) }, "may not use a key of the function tempest1_delay"],
     ["~* -hincrby", -> { made.call("echo") }, "may not run a command of the function tempest1_listen"],
     ["+hincrby resetchannels", -> { made.publish("news", 1) }, "may not use a channel of the function tempest1_publish"]].each do |words, request, says|
      change(*words.split)
      error = assert_raises(Tempest::ServerError, words, &request)
      assert_equal "NOPERM", error.code
      assert_includes error.message, says
      assert_includes error.message, "protocol/queues.md"
    end
  end

  def test_a_worker_that_lacks_a_right_at_its_start_ends_with_an_error_that_names_it
    { "fcall" => 'may not run "fcall"', "hincrby" => "may not run a command of the function tempest1_hello" }.each do |right, says|
      change("-#{right}")
      made = Tempest::Worker.new("q", redis_url: @url, logger: Logger.new(IO::NULL))
      made.handle("echo") { 1 }
      error = assert_raises(Tempest::ServerError) { Timeout.timeout(20) { made.run(signals: false) } }
      assert_includes error.message, says
      change("+#{right}")
    end
  end

  def errors(worker, words) = worker.log.lines.count { |line| line.include?("ERROR") && line.include?(words) }

  def test_a_right_that_is_taken_from_a_worker_at_work_is_an_error_again_and_again_and_nothing_is_lost
    made = worker(@url)
    boss.push("hold", "taken")
    began("taken")
    change("-exists")
    go("taken")
    boss.push("echo", "waits")
    Await.until("it to be said again") { errors(made, "a command of the function tempest1_") > 2 }
    Await.until("the beat to say it") { errors(made, "the beat cannot do its work").positive? }
    change("+exists")
    Await.until("both to be settled") { counts("settled") == 2 }
    assert_equal 0, call("EXISTS", "{q}:!dead")
  end

  def test_a_right_to_block_that_is_missing_is_an_error_and_jobs_are_done_all_the_same
    made = worker(@url)
    change("-blmove")
    Await.until("it to be said") { errors(made, "may not run \\\"blmove") > 2 }
    assert_equal [1], boss.call("echo", 1)
  end

  def test_a_worker_and_a_caller_who_may_not_name_their_connections_and_ask_who_they_are_do_without
    change("-client|setname", "-client|id", "-info")
    made = worker(@url)
    Await.until("it to park") { call("CLIENT", "LIST").lines.count { |line| line.include?("cmd=blmove") && line.include?("user=bob") } >= 3 }
    assert_equal [1], boss.call("echo", 1)
    assert_equal 0, errors(made, "") + made.log.scan(/WARN/).size, made.log
    name = user("caller", "carol")
    call("ACL", "SETUSER", "carol", "-client|setname", "-client|id", "-info")
    log = StringIO.new
    caller = Tempest::Client.new(queue: "q", redis_url: name, logger: Logger.new(log))
    @endings << -> { caller.close }
    assert_equal [2], caller.call("echo", 2)
    Await.until("its inbox to wait") { call("CLIENT", "LIST").lines.any? { |line| line.include?("cmd=blmove") && line.include?("user=carol") } }
    assert_empty log.string
  end

  def test_a_job_whose_settlement_needs_a_key_that_is_not_allowed_waits_for_it_and_is_not_dead
    made = worker(@url)
    # All but {q}:!delayed.
    change("resetkeys", "~q", "~{q}:[^!]*", "~{q}:![^d]*", "~{q}:!de[^l]*", "~tempest:*")
    boss.push("flaky", 2)
    Await.until("it to be said") { errors(made, "may not use a key of the function tempest1_settle").positive? }
    change("~{q}:*")
    Await.until("it to go on") { counts("settled") == 2 }
    assert_equal [1, 0], [counts("retried"), call("EXISTS", "{q}:!dead")]
  end
end
