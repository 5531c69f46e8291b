# frozen_string_literal: true

# What becomes of the jobs of a worker that was killed, stopped or held up: real processes, and other workers that observe.

require_relative "harness"
require "digest"

class TestRecovery < RedisTest
  LEASE = 1.0
  SLOW = 'worker.handle("slow") { sleep(60) }'
  CRASH = 'worker.handle("crash") { Process.kill("KILL", Process.pid); sleep }'

  # A worker that observes and reaps, and begins nothing itself.
  def observer
    worker(lease: LEASE) { |w| w.handle("nothing") { 1 }.quiet }
  end

  # @return [String] the process that holds something
  def holder = Await.until("a claim") { processes.find { |name| !held(name).empty? } }

  def test_the_job_of_a_killed_worker_is_run_by_another
    first = worker_process(SLOW, "lease: #{LEASE}")
    c = client
    answer = Thread.new { c.call("slow", timeout: 20) }
    dead = holder
    log = worker(lease: LEASE) { |w| w.handle("slow") { "recovered" } }
    first.kill
    killed = Tempest.now
    assert_equal "recovered", answer.value
    assert_includes (LEASE * 0.9)..(LEASE + 2), Tempest.now - killed
    refute_includes processes, dead
    assert_equal [1, 1, 1], counts.values_at("reaped", "recovered", "crashed")
    Await.until("a word of it in the log") { log.string.include?("a process is dead: its jobs are back in the queue queue=q process=#{dead} jobs=1") }
  end

  def test_several_observers_take_each_job_once
    first = worker_process(SLOW, "lease: #{LEASE}, concurrency: 20")
    20.times { client.push("slow") }
    holder
    Await.until("all claims") { call("LLEN", Q).zero? }
    3.times { worker(lease: LEASE, concurrency: 10) { |w| w.handle("slow") { 1 } } }
    first.kill
    Await.until("all settled") { counts["settled"] == 20 }
    assert_equal [1, 20], counts.values_at("reaped", "recovered")
  end

  def test_more_than_one_call_moves_is_reaped_to_the_end
    Tempest::Functions.ensure_loaded(@redis.connection)
    call("FCALL", "tempest1_hello", "1", Q, "gone", "new", "lease/1000")
    5.times { |n| call("RPUSH", Q, %(["note",["#{n}#{'x' * 700_000}"],null,"#{n}"])) }
    call("FCALL", "tempest1_claim", "1", Q, "gone", "1", "5", "100000000", "default")
    ran = Thread::Queue.new
    worker(lease: LEASE) { |w| w.handle("note") { |text| ran << text[0].to_i } }
    assert_equal (0..4).to_a, Timeout.timeout(30) { Array.new(5) { ran.pop } }.sort
    assert_equal [1, 5], counts.values_at("reaped", "recovered")
  end

  # Four crashes: one while among others, one more because of which it is to be run alone, two while alone.
  def test_a_job_that_crashes_every_worker_is_dead_of_poison_and_its_caller_is_told
    observer
    c = client
    answer = Thread.new { c.call("crash", timeout: 60) rescue $! }
    Await.until("the job") { call("LLEN", Q) == 1 }
    workers = Array.new(4) do
      worker_process(CRASH, "lease: #{LEASE}").tap { |made| made.wait }
    end
    assert_equal "poison", answer.value.code
    assert_equal ["poison"], dead.map { |entry| entry["reason"] }
    assert(workers.all? { |made| made.wait.signaled? })
    assert_equal [4, 4], counts.values_at("crashed", "reaped")
    assert_equal 0, call("LLEN", "{#{Q}}:!suspect")
  end

  def test_the_callers_of_poison_elsewhere_and_unregistered_are_told_too
    Tempest::Functions.ensure_loaded(@redis.connection)
    jobs = ['["a",[],"box","1"]', '["a",[],"box@mail","2"]', '["a",[],null,"3"]', "no job"]
    jobs.each_with_index do |job, n|
      call("FCALL", "tempest1_hello", "1", Q, "gone#{n}", "new", "lease/1000")
      call("HSET", "{#{Q}}:!tries", Digest::SHA1.hexdigest(job), "2")
      call("RPUSH", "{#{Q}}:!suspect", "default:#{job}")
      call("FCALL", "tempest1_suspect", "1", Q, "gone#{n}")
    end
    observer
    Await.until("the four") { dead.size == 4 }
    { "{#{Q}}:in:box" => "1", "{mail}:in:box" => "2" }.each do |key, id|
      Await.until(key) { call("LLEN", key) == 1 }
      assert_equal ["a", id, [], "poison"], JSON.parse(call("LINDEX", key, "0")).then { |answer| answer.first(3) << answer[3]["error"]["code"] }
      Await.until("the end of it") { call("TTL", key).to_i.between?(1, 300) }
    end
  end

  def test_a_suspect_is_run_alone_and_what_lands_goes_back
    begun = Thread::Queue.new
    gate = Thread::Queue.new
    worker(concurrency: 4) { |w| w.handle("note") { |text| begun << text; gate.pop if text == "alone" } }
    c = client
    Await.until("the subscription") { call("PUBSUB", "NUMSUB", "{#{Q}}:!news").last == 1 }
    call("RPUSH", "{#{Q}}:!suspect", 'default:["note",["alone"],null,"s"]')
    call("PUBLISH", "{#{Q}}:!news", "suspect")
    assert_equal "alone", Timeout.timeout(30) { begun.pop }
    process = processes.first
    assert_equal call("HGET", "{#{Q}}:!run:#{process}", "!"), held(process).keys.first
    c.push_many(Array.new(5) { %w[note beside] })
    ticks = -> { call("HGET", "{#{Q}}:!procs", process).to_i }
    before = ticks.call
    Await.until("three ticks") { ticks.call >= before + 3 }
    assert_equal [0, 5, 1], [begun.size, call("LLEN", Q), held(process).size]
    gate << 1
    Await.until("the rest") { counts["settled"] == 6 }
    assert_nil call("HGET", "{#{Q}}:!run:#{process}", "!")
  end

  def test_the_keeper_of_the_clock_finishes_what_it_has_for_a_suspect
    begun = Thread::Queue.new
    gate = Thread::Queue.new
    log = worker(concurrency: 2) { |w| w.handle("note") { |text| begun << text; gate.pop if text == "long" } }
    c = client
    c.push("note", "long")
    assert_equal "long", Timeout.timeout(30) { begun.pop }
    call("RPUSH", "{#{Q}}:!suspect", 'default:["note",["alone"],null,"s"]')
    Await.until("the drain") { log.string.include?("waits to run alone") }
    c.push("note", "more")
    gate << 1
    assert_equal "alone", Timeout.timeout(30) { begun.pop }
    assert_equal "more", Timeout.timeout(30) { begun.pop }
  end

  # A call into C that sleeps and does not let go of the lock, as an extension that computes does not.
  HOG = <<~RUBY
    require "fiddle"
    HOLD = Fiddle::Function.new(Fiddle.dlopen(nil)["usleep"], [Fiddle::TYPE_INT], Fiddle::TYPE_INT, need_gvl: true)
    worker.handle("hog") { |seconds| HOLD.call((seconds * 1_000_000).to_i); "done" }
  RUBY

  def test_a_handler_that_holds_the_interpreter_lock_for_three_leases_keeps_its_job
    worker_process(HOG, "lease: #{LEASE}")
    process = processes.first
    observer
    c = client
    answer = Thread.new { c.call("hog", LEASE * 3.5, timeout: 30) }
    Await.until("the claim") { !held(process).empty? }
    last, counter, gap = Tempest.now, nil, 0
    while answer.alive?
      seen = call("HGET", "{#{Q}}:!procs", process)
      gap = [gap, Tempest.now - last].max
      last, counter = Tempest.now, seen if seen != counter
      sleep 0.005
    end
    assert_equal "done", answer.value
    assert_operator gap, :<, LEASE / 2, "the longest silence of the beat"
    assert_includes processes, process
    assert_nil counts["reaped"]
    warn format("longest silence of the beat while the lock was held for %<held>.1f s: %<gap>.3f s", held: LEASE * 3.5, gap: gap) if ENV["TEMPEST_MEASURE"]
  end

  def test_a_worker_that_was_stopped_loses_its_jobs_and_what_it_answers_later_is_dropped
    stopped = worker_process('worker.handle("slow") { sleep(0.1) while File.exist?(ENV.fetch("REDIS_URL")[7..] + ".hold"); "late" }', "lease: #{LEASE}")
    hold = "#{@redis.url[7..]}.hold"
    File.write(hold, "")
    @endings << -> { FileUtils.rm_f(hold) }
    c = client
    answer = Thread.new { c.call("slow", timeout: 30) }
    before = holder
    worker(lease: LEASE) { |w| w.handle("slow") { "in time" } }
    stopped.signal("STOP")
    assert_equal "in time", answer.value
    FileUtils.rm_f(hold)
    stopped.signal("CONT")
    stopped.wait_for("fenced: what it ran is dropped")
    refute_includes processes, before
    assert_equal 1, counts["settled"]
  end

  def test_only_connections_of_this_server_run_that_bear_the_name_are_ended
    run_id = call("INFO", "server")[/^run_id:(\h+)/, 1]
    bearing, other = Array.new(2) { Tempest::Connection.new(@redis.url) }
    bearing.call("CLIENT", "SETNAME", "tempest:p.1")
    other.call("CLIENT", "SETNAME", "tempest:p.10")
    mine, foreign = [bearing, other].map { |connection| connection.call("CLIENT", "ID") }
    end_all = ->(*identities) { Tempest::OldConnections.end_all(@redis.connection, "p.1", identities) }
    assert_equal 0, end_all.call("#{'0' * 40}/#{mine}", "#{run_id}/#{foreign}", "#{run_id}/999999", "#{run_id}/x")
    assert_equal "PONG", bearing.call("PING")
    assert_equal 1, end_all.call("#{run_id}/#{foreign}", "#{run_id}/#{mine}")
    assert_raises(Tempest::ConnectionLost) { bearing.call("PING") }
    assert_equal "PONG", other.call("PING")
  ensure
    [bearing, other].each(&:close)
  end

  def test_the_parked_connections_of_the_dead_are_ended_before_their_jobs_are_taken
    made = worker_process(SLOW, "lease: #{LEASE}")
    process = processes.first
    named = -> { call("CLIENT", "LIST").scan(/name=tempest:#{Regexp.escape(process)} /).size }
    Await.until("three parked connections") { named.call == 3 }
    observer
    made.signal("STOP")
    Await.until("the reaping") { !processes.include?(process) }
    assert_equal 0, named.call
    made.kill
  end
end
