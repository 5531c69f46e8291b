# frozen_string_literal: true

# A worker inside the test's process: what it does with jobs, good and bad, and with a Redis that forgets.

require_relative "harness"

class TestWorker < RedisTest
  def test_answers_in_the_codec_of_the_job_with_the_kind_of_its_id
    worker { |w| w.handle("add") { |a, b| a + b } }
    call("RPUSH", Q, Tempest::MessagePackCodec.encode(["add", [1, 2], "box", 77]))
    _, bytes = call("BLPOP", "{#{Q}}:in:box", "30")
    assert_equal ["add", 77, [3]], Tempest::MessagePackCodec.decode(bytes)
    assert_operator call("TTL", "{#{Q}}:in:box").to_i, :<=, 300
  end

  def test_binary_that_is_text_is_taken_where_text_is_asked_for
    worker { |w| w.handle("echo") { |*args| args } }
    call("RPUSH", Q, Tempest::MessagePackCodec.encode(["echo".b, ["x".b], "box".b, "id".b]))
    _, bytes = call("BLPOP", "{#{Q}}:in:box", "30")
    assert_equal ["echo", "id", [["x".b]]], Tempest::MessagePackCodec.decode(bytes)
  end

  def test_answers_in_a_codec_that_the_caller_accepts
    worker { |w| w.handle("echo") { |arg| arg } }
    call("RPUSH", Q, JSON.generate(["echo", [1], "box", "id", { accept: %w[cbor tnetstring json], "x" => 1 }]))
    _, bytes = call("BLPOP", "{#{Q}}:in:box", "30")
    assert_equal ["echo", "id", [1]], Tempest::TNetstringCodec.decode(bytes)
  end

  BAD = {
    "no codec" => ["hello", "bad_codec"], "nothing" => ["", "bad_codec"], "broken JSON" => ["[1,", "bad_codec"], "framed" => ["\xC1\x01".b, "bad_codec"],
    "a claim without bytes" => ["\xDD\xFF\xFF\xFF\xFF".b, "bad_codec"], "too deep" => ["[" * 65 + "]" * 65, "bad_codec"],
    "Sidekiq's" => ['{"class":"Hard","args":[]}', "foreign"], "three elements" => ['["a",[],null]', "bad_envelope"],
    "six elements" => ['["a",[],null,"i",{},1]', "bad_envelope"], "an action that is a number" => ['[1,[],null,"i"]', "bad_envelope"],
    "args that are a map" => ['["a",{},null,"i"]', "bad_envelope"], "an id that is a float" => ['["a",[],null,1.0]', "bad_envelope"],
    "an address that is binary" => ['["echo",[],{"$b64":"Ym94"},"i"]', "bad_address"],
    "an address that is a key" => ['["echo",[],"{q}:!procs","i"]', "bad_address"], "a direct address" => ['["echo",[],"10.0.0.5:41210","i"]', "bad_address"]
  }.freeze

  def test_what_is_no_job_goes_dead_with_its_reason_and_its_bytes_and_the_worker_goes_on
    worker(concurrency: 2) { |w| w.handle("echo") { |*args| args } }
    BAD.each_value { |bytes, _| call("RPUSH", Q, bytes) }
    assert_equal ["on"], client.call("echo", "on", timeout: 30)
    Await.until("the dead") { dead.size == BAD.size }
    assert_equal BAD.values.map { |bytes, reason| [bytes.b, reason] }.sort, dead.map { |entry| entry.values_at("job", "reason") }.sort
    dead.each { |entry| refute_empty entry["detail"] }
  end

  # rq#1280, bullmq#2215
  def test_a_redis_that_throws_jobs_away_is_warned_of_at_the_start
    { %w[allkeys-lru 100mb] => true, %w[allkeys-lru 0] => false, %w[noeviction 100mb] => false, %w[volatile-lru 100mb] => false }
      .each do |(policy, memory), warns|
        call("CONFIG", "SET", "maxmemory-policy", policy, "maxmemory", memory)
        log = worker { |w| w.handle("echo") { |*args| args } }
        assert_equal warns, log.string.include?("maxmemory-policy is #{policy}; set it to noeviction"), [policy, memory]
      end
  ensure
    call("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "0")
  end

  def test_an_unknown_action_is_dead_and_answered
    worker { |w| w.handle("echo") { |*args| args } }
    error = assert_raises(Tempest::RemoteError) { client.call("system", "rm", timeout: 2) }
    assert_equal "unknown_action", error.code
    assert_equal(["unknown_action"], dead.map { |entry| entry["reason"] })
  end

  def test_actions_are_looked_up_exactly_and_never_name_a_method
    worker { |w| w.handle("echo") { |*args| args } }
    ["Echo", "echo ", "instance_eval", "send", "exit", "__send__"].each do |action|
      assert_equal "unknown_action", assert_raises(Tempest::RemoteError) { client.call(action, timeout: 2) }.code
    end
  end

  def test_errors_for_the_caller_carry_their_text_and_others_do_not
    log = worker do |w|
      w.handle("known") { raise Tempest::HandlerError.new("no_stock", "sold out", { "left" => 0 }) }
      w.handle("secret") { raise "password=hunter2" }
      w.handle("leave") { exit }
      w.handle("endless") { def self.f = f; f }
      w.handle("unwritable") { Float::NAN }
    end
    c = client
    error = assert_raises(Tempest::RemoteError) { c.call("known", timeout: 30) }
    assert_equal ["no_stock", "sold out", { "left" => 0 }], [error.code, error.remote_message, error.details]
    %w[secret leave endless].each do |action|
      error = assert_raises(Tempest::RemoteError) { c.call(action, timeout: 30) }
      assert_equal ["handler", "the handler failed"], [error.code, error.remote_message], action
    end
    assert_equal "bad_answer", assert_raises(Tempest::RemoteError) { c.call("unwritable", timeout: 30) }.code
    assert_includes log.string, "hunter2"
    assert_equal 5, counts["failed"]
  end

  def test_a_handler_thread_that_ends_itself_is_replaced
    worker(concurrency: 1) do |w|
      w.handle("die") { Thread.current.kill }
      w.handle("echo") { |arg| arg }
    end
    client.push("die")
    assert_equal 1, client.call("echo", 1, timeout: 30)
  end

  def test_jobs_wait_in_strict_order_of_their_levels
    order = Thread::Queue.new
    %w[low default high low high].each_with_index do |level, place|
      client.push("note", "#{level}#{place}", level: level)
    end
    worker(concurrency: 1) { |w| w.handle("note") { |text| order << text } }
    assert_equal(%w[high2 high4 default1 low0 low3], Array.new(5) { Timeout.timeout(30) { order.pop } })
  end

  def test_serves_several_queues
    worker(%w[q r s]) { |w| w.handle("where", context: true) { |context| context.queue } }
    assert_equal(%w[q r s], %w[q r s].map { |queue| client.call("where", queue: queue, timeout: 30) })
    assert_equal %w[q r s], call("SMEMBERS", "tempest:queues").sort
  end

  def test_a_paused_level_rests_and_goes_on_when_resumed
    Tempest::Functions.ensure_loaded(@redis.connection)
    call("FCALL", "tempest1_pause", "1", Q, "low")
    worker { |w| w.handle("echo") { |arg| arg } }
    id = client.push("echo", 1, level: "low")
    assert_equal 2, client.call("echo", 2, timeout: 30)
    ticks = -> { call("HGET", "{#{Q}}:!procs", processes.first).to_i }
    before = ticks.call
    Await.until("two more ticks") { ticks.call >= before + 2 }
    assert_equal 1, call("LLEN", "{#{Q}}:low"), id
    call("FCALL", "tempest1_resume", "1", Q)
    Await.until("the low job") { call("LLEN", "{#{Q}}:low").zero? && counts["settled"] == 2 }
  end

  def test_an_answer_to_an_inbox_of_another_queue
    worker { |w| w.handle("echo") { |arg| arg } }
    call("RPUSH", Q, '["echo",[5],"box@mail","id"]')
    _, bytes = call("BLPOP", "{mail}:in:box", "30")
    assert_equal '["echo","id",[5]]', bytes
    Await.until("the settle") { counts["settled"] == 1 }
  end

  def test_a_job_to_nobody_is_settled_without_an_answer
    worker { |w| w.handle("nan") { Float::NAN } }
    client.push("nan")
    Await.until("the settle") { counts["settled"] == 1 }
    assert_nil counts["failed"]
    assert_empty call("KEYS", "{#{Q}}:in:*")
  end

  def test_a_fenced_worker_begins_anew_and_its_old_answers_are_dropped
    gates = Array.new(2) { Thread::Queue.new }
    begun = Thread::Queue.new
    runs = Thread::Queue.new
    gates.each { |gate| runs << gate }
    worker do |w|
      w.handle("slow", context: true) do |context|
        gate = runs.pop
        begun << context
        gate.pop
      end
      w.handle("echo") { |arg| arg }
    end
    c = client
    answer = Thread.new { c.call("slow", timeout: 15) }
    first = Timeout.timeout(30) { begun.pop }
    before = processes.first
    call("HDEL", "{#{Q}}:!procs", before)
    # The old name says goodbye, so the job goes back, and the new one runs it.
    second = Timeout.timeout(30) { begun.pop }
    assert_equal [true, true, false], [first.lost?, first.cancelled?, second.cancelled?]
    assert_raises(Tempest::ClaimLost) { first.check }
    refute_equal [before], processes
    assert_empty held(before)
    gates.first << "from the first"
    assert_equal 1, c.call("echo", 1, timeout: 30)
    gates.last << "from the second"
    assert_equal "from the second", answer.value
    Await.until("the settles") { counts["settled"] == 2 }
  end

  def test_a_redis_that_forgets_its_functions_is_taught_again
    worker { |w| w.handle("echo") { |arg| arg } }
    c = client
    assert_equal 1, c.call("echo", 1, timeout: 30)
    call("FUNCTION", "FLUSH")
    assert_equal 2, c.call("echo", 2, timeout: 30)
  end

  def test_a_redis_that_forgets_everything_gets_its_worker_back
    worker { |w| w.handle("echo") { |arg| arg } }
    before = processes
    call("FLUSHALL")
    Await.until("a new process") { !processes.empty? }
    assert_empty before & processes
    assert_equal 1, client.call("echo", 1, timeout: 30)
    assert_equal [Q], call("SMEMBERS", "tempest:queues")
  end

  def test_cut_connections_lose_nothing
    worker(concurrency: 4) { |w| w.handle("echo") { |arg| arg } }
    c = client
    cuts = Thread.new { 15.times { call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") && sleep(0.02) } }
    answers = Array.new(4) { |n| Thread.new { Array.new(20) { |i| robust_call(c, n * 100 + i) } } }.flat_map(&:value)
    cuts.join
    assert_equal((0..3).flat_map { |n| (0..19).map { |i| n * 100 + i } }, answers)
    Await.until("the run hashes to empty") { processes.all? { |process| held(process).empty? } }
  end

  # A push that was cut may or may not have arrived; a caller that knows its handler to be repeatable tries again.
  def robust_call(client, number)
    client.call("echo", number, timeout: 30)
  rescue Tempest::ConnectionLost
    retry
  end

  def test_a_claim_whose_reply_was_lost_is_found_in_the_run_hash
    worker { |w| w.handle("echo") { |arg| arg } }
    process = Await.until("the worker") { processes.first }
    # As if the worker had sent this claim itself, and its reply had been lost on the way.
    call("FCALL", "tempest1_pause", "1", Q)
    client.push("echo", 1)
    number = nil
    Await.until("a claim in between") do
      number = call("HGET", "{#{Q}}:!run:#{process}", "#").to_i + 1
      begin
        call("EVAL", "redis.call('DEL', '{q}:!paused') return 1", "0")
        call("FCALL", "tempest1_claim", "1", Q, process, number.to_s, "5", "1048576", "default")
      rescue Tempest::Resync
        nil
      end
    end
    # The next claim is refused (RESYNC), and both jobs are found.
    client.push("echo", 2)
    Await.until("the settles") { counts["settled"] == 2 }
  end

  def test_hello_names_the_parked_connections
    worker { |w| w.handle("echo") { |arg| arg } }
    process = Await.until("the worker") { processes.first }
    Await.until("its connections") { call("SCARD", "{#{Q}}:!cid:#{process}") == 3 }
  end

  def test_names_that_the_protocol_does_not_allow_are_refused
    assert_raises(ArgumentError) { Tempest::Worker.new("a b") }
    assert_raises(ArgumentError) { Tempest::Worker.new([]) }
    assert_raises(ArgumentError) { Tempest::Worker.new("q", levels: ["9"]) }
    assert_raises(ArgumentError) { Tempest::Worker.new("q", concurrency: 0) }
    assert_raises(ArgumentError) { Tempest::Worker.new("q", redis_url: "http://x") }
  end
end
