# frozen_string_literal: true

# Jobs that are to be run once: workers that die, stop or leave under them. Real processes.

require_relative "harness"
require "delegate"
require "digest"

class TestOnce < RedisTest
  LEASE = 1.0
  HOLD = <<~'RUBY'
    worker.handle("hold") do |word|
      Tempest::Connection.new(ENV.fetch("REDIS_URL"), blocking: 60).then do |own|
        own.call("RPUSH", "held", word)
        own.call("BLPOP", "release:#{word}", "30")
      end
      word
    end
  RUBY

  def ran = call("LRANGE", "held", "0", "-1").sort

  def runs(count) = Await.until("#{count} runs") { ran.size == count }

  def caller_of(word, **options)
    made = client
    Thread.new { made.call("hold", word, timeout: 20, **options) rescue $! }
  end

  def assert_interrupted(caller)
    assert_instance_of Tempest::RemoteError, caller.value
    assert_equal "interrupted", caller.value.code
    assert_includes caller.value.message, "may have been carried out"
  end

  def test_what_a_killed_worker_had_begun_is_not_run_again
    first = worker_process(HOLD, "lease: #{LEASE}, concurrency: 3")
    called = caller_of("called", once: true)
    client.push("hold", "pushed", once: true)
    client.push("hold", "twice")
    runs(3)
    first.kill
    worker(lease: LEASE) { |w| w.handle("hold") { |word| call("RPUSH", "held", word) } }
    assert_interrupted called
    Await.until("the job that may run twice") { counts["settled"] == 1 }
    assert_equal %w[called pushed twice twice], ran
    assert_equal [%w[called interrupted], %w[pushed interrupted]], dead.map { |each| [JSON.parse(each["job"])[1][0], each["reason"]] }.sort
    assert_equal 1, counts["crashed"]
    assert_empty call("KEYS", "{q}:!begun:*")
  end

  # A process that has claimed and begun all that waits, and does nothing more.
  def die(name, count, lease: 60_000)
    Tempest::Functions.ensure_loaded(@redis.connection)
    Await.until("the jobs") { call("LLEN", Q) == count }
    function("hello", name, "new", "lease/#{lease}")
    function("claim", name, "1", count.to_s, "1000000", "default")
    function("begin", name, *(1..count).map { |number| "default.#{number}" })
  end

  def function(name, *arguments) = call("FCALL", "tempest1_#{name}", "1", Q, *arguments)

  def observer = worker(lease: LEASE) { |w| w.handle("nothing") { 1 }.quiet }

  def all_told = Await.until("the word that all were told") { call("EXISTS", "{q}:!untold").zero? }

  def test_callers_are_told_though_the_process_that_reaped_died_before_it_told_them
    called = caller_of("called", once: true)
    die("dead", 1)
    moved, left, _, (record,) = function("reap", "dead", "*", "told")
    assert_equal [1, 1, [record]], [moved, left, call("ZRANGE", "{q}:!untold:dead", "0", "-1")]
    begun = Tempest.now
    log = observer
    assert_interrupted called
    assert_operator Tempest.now - begun, :<, 10
    all_told
    Await.until("a word of it in the log") { log.string.include?("told callers of jobs that died with a process queue=q process=dead callers=1") }
    assert_equal [[], 1], [ran, counts["reaped"]]
  end

  def test_callers_are_told_of_what_the_keeper_of_the_clock_found_in_a_grave
    called = caller_of("called", once: true)
    die("dead", 1)
    # A reaper that died in the middle: the process is in its grave, and what it held is not taken back.
    call("HDEL", "{q}:!procs", "dead")
    call("ZADD", "{q}:!grave", "#{call('TIME').first}000", "dead")
    observer
    assert_interrupted called
    all_told
  end

  def test_callers_who_cannot_be_told_now_are_told_later_and_the_others_at_once
    call("SET", "{q}:in:box", "no list")
    [["a", "box"], ["b", "other"], ["c", nil]].each do |word, inbox|
      call("RPUSH", Q, JSON.generate(["hold", [word], inbox, word, { once: true }]))
    end
    die("dead", 3, lease: 300)
    log = observer
    Await.until("an answer to the other") { call("LLEN", "{q}:in:other") == 1 }
    Await.until("one untold") { call("ZCARD", "{q}:!untold:dead") == 1 }
    Await.until("a word of it in the log") { log.string.match?(/callers of jobs that died with a process could not be told.* callers=1 error="WRONGTYPE/) }
    assert_equal "0", call("HGET", "{q}:!untold", "dead#"), "a try that Redis refused was counted"
    call("DEL", "{q}:in:box")
    Await.until("an answer to the one") { call("LLEN", "{q}:in:box") == 1 }
    assert_equal "interrupted", JSON.parse(call("LINDEX", "{q}:in:box", "0"))[3]["error"]["code"]
    all_told
    assert_equal 1, call("LLEN", "{q}:in:other")
  end

  # What crashes whoever runs it need not crash who reads it for its caller's address.
  def test_the_caller_of_a_large_poisoned_job_is_told
    job = JSON.generate(["hold", ["x" * 300_000], "box", "1"])
    call("RPUSH", Q, job)
    call("HSET", "{q}:!tries", Digest::SHA1.hexdigest(job), "2")
    die("dead", 1, lease: 300)
    call("DEL", "{q}:!begun:dead")
    call("HSET", "{q}:!run:dead", "!", "default.1")
    observer
    Await.until("an answer") { call("LLEN", "{q}:in:box") == 1 }
    assert_equal "poison", JSON.parse(call("LINDEX", "{q}:in:box", "0"))[3]["error"]["code"]
    all_told
  end

  def test_an_answer_that_arrived_is_not_pushed_again_because_what_follows_it_is_refused
    call("ACL", "SETUSER", "teller", "on", "nopass", "~*", "+@all", "-hexists", "-expire")
    line = Tempest::Connection.new(@redis.url)
    line.call("AUTH", "teller", "any")
    Tempest::Elsewhere.push(line, Tempest::Address.new(:elsewhere, "box", Q), "answer")
    assert_equal ["answer"], call("LRANGE", "{q}:in:box", "0", "-1")
    call("ACL", "SETUSER", "teller", "-rpush")
    assert_raises(Tempest::ServerError) { Tempest::Elsewhere.push(line, Tempest::Address.new(:elsewhere, "box", Q), "answer") }
  ensure
    line&.close
    call("ACL", "DELUSER", "teller")
  end

  def test_a_caller_who_is_told_twice_hears_it_once
    called = caller_of("called", once: true)
    Await.until("the job") { call("LLEN", Q) == 1 }
    _, _, inbox, job = JSON.parse(call("LPOP", Q))
    answer = JSON.generate(["hold", job, [], { error: { code: "interrupted", message: "it may have been carried out" } }])
    call("RPUSH", "{q}:in:#{inbox}", answer, answer)
    assert_interrupted called
    worker { |w| w.handle("echo") { |word| word } }
    assert_equal "again", client.call("echo", "again", timeout: 20)
  end

  def test_in_all_codecs_and_however_json_writes_the_key
    first = worker_process(HOLD, "lease: #{LEASE}, concurrency: 4")
    %w[json msgpack tnetstring].each { |codec| client.push("hold", codec, codec: codec, once: true) }
    call("RPUSH", Q, '["hold",["escaped"],null,"some-id",{"\u006fnc\u0065":true}]')
    runs(4)
    first.kill
    worker(lease: LEASE) { |w| w.handle("hold") { |word| call("RPUSH", "held", word) } }
    Await.until("all dead") { dead.map { |each| each["reason"] } == ["interrupted"] * 4 }
    assert_equal 4, ran.size
  end

  def test_a_handler_that_the_grace_cuts_off_is_interrupted_and_others_go_back
    leaving = worker_process(HOLD, "concurrency: 2, grace: 0.3")
    once = caller_of("once", once: true)
    client.push("hold", "back")
    runs(2)
    leaving.signal("TERM")
    assert_interrupted once
    leaving.wait
    assert_equal(["back"], call("LRANGE", Q, "0", "-1").map { |job| JSON.parse(job)[1][0] })
    assert_equal(["interrupted"], dead.map { |each| each["reason"] })
  end

  def test_a_handler_that_ends_within_the_grace_has_answered
    leaving = worker_process(HOLD, "grace: 10")
    once = caller_of("once", once: true)
    runs(1)
    leaving.signal("TERM")
    call("RPUSH", "release:once", "")
    assert_equal "once", once.value
    leaving.wait
    assert_empty dead
  end

  def test_a_worker_that_was_taken_for_dead_answers_no_more
    stopped = worker_process(HOLD, "lease: #{LEASE}")
    once = caller_of("once", once: true)
    runs(1)
    worker(lease: LEASE) { |w| w.handle("nothing") { 1 }.quiet }
    stopped.signal("STOP")
    begin
      assert_interrupted once
    ensure
      stopped.signal("CONT")
    end
    call("RPUSH", "release:once", "")
    stopped.wait_for("fenced")
    call("RPUSH", "release:again", "")
    assert_equal "again", client.call("hold", "again", timeout: 20)
    assert_equal %w[again once], ran
    assert_equal(["interrupted"], dead.map { |each| each["reason"] })
  end

  def test_a_failure_of_the_handler_is_no_interruption
    tried = Thread::Queue.new
    worker do |w|
      w.handle("flaky", attempts: 3, backoff: [0, 0]) do
        tried << 1
        raise "not yet" if tried.size < 3
      end
    end
    client.push("flaky", once: true)
    Await.until("three runs") { counts["settled"] == 3 }
    assert_equal [3, [], []], [tried.size, dead, call("KEYS", "{q}:!begun:*")]
  end

  # @return [Array<String>] the calls of `begin` while the block runs
  def begins
    monitor = Monitoring.new(@redis.url)
    monitor.start
    yield
    monitor.stop
  end

  # What Redis is sent, by MONITOR.
  class Monitoring
    def initialize(url)
      @socket = UNIXSocket.new(url.delete_prefix("unix://"))
      @lines = []
    end

    def start
      @socket.write("MONITOR\r\n")
      raise "no MONITOR" unless @socket.gets == "+OK\r\n"

      @thread = Thread.new { while (line = @socket.gets) do @lines << line end }
    end

    def stop
      @socket.shutdown(Socket::SHUT_WR)
      @thread.join(10)
      @socket.close
      @lines.grep(/tempest1_begin/)
    end
  end

  def test_one_call_marks_all_of_a_claim_and_without_such_jobs_there_is_none
    client.push_many([["note"]] * 8)
    none = begins do
      worker(concurrency: 8) { |w| w.handle("note") { 1 } }
      Await.until("eight") { counts["settled"] == 8 }
    end
    assert_empty none
    @endings.pop.call
    client.push_many([["note"]] * 8, once: true)
    one = begins do
      worker(concurrency: 8) { |w| w.handle("note") { 1 } }
      Await.until("sixteen") { counts["settled"] == 16 }
    end
    assert_equal [8], one.map { |line| line.scan('"default.').size }
  end
end

# The reply to a mark is lost, though Redis has carried it out.
class TestLostMark < RedisTest
  # Loses it once.
  class Torn < SimpleDelegator
    def fcall(name, *arguments)
      reply = __getobj__.fcall(name, *arguments)
      return reply if name != "begin" || @torn

      @torn = true
      raise Tempest::ConnectionLost, "cut by the test"
    end
  end

  def setup
    super
    Tempest::Functions.ensure_loaded(@redis.connection)
    @line = Torn.new(@redis.connection)
    @station = Tempest::Station.new(Q, ["default"], [], "test", 1000)
    @station.open(@line)
    call("RPUSH", Q, '["hold",["a"],null,"id",{"once":true}]')
    @claims = @station.claim(@line, 1)
    assert_raises(Tempest::ConnectionLost) { @station.begin_once(@line, @claims) }
  end

  def test_the_job_goes_back_and_is_claimed_anew
    assert_empty @station.resync(@line)
    again = @station.claim(@line, 1)
    assert_equal([["default.2", @claims.first.payload]], again.map { |claim| [claim.field, claim.payload] })
    assert_equal again, @station.begin_once(@line, again)
  end

  def test_a_worker_that_leaves_gives_back_what_it_never_ran
    @station.goodbye(@line)
    assert_equal [1, [], []], [call("LLEN", Q), dead, call("KEYS", "{q}:!begun:*")]
  end

  def test_a_claim_that_is_gone_is_not_begun
    call("HDEL", "{q}:!run:#{@station.process}", "default.1")
    assert_empty @station.begin_once(@line, @claims)
  end
end
