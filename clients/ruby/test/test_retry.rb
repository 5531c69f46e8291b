# frozen_string_literal: true

# Jobs that fail, and jobs that come too late: attempts, what the next attempt learns, and what the caller hears.

require_relative "harness"

class TestRetry < RedisTest
  QUICK = [0.01, 0.02].freeze

  def test_a_job_is_run_again_with_its_arguments_in_its_codec_and_answered_once
    seen = Thread::Queue.new
    worker do |w|
      w.handle("flaky", context: true) do |context, list, other|
        seen << [context.attempt, context.codec, context.meta["last_error"], list.dup, other]
        # What a handler does to its arguments is not what the next attempt gets.
        list << "changed"
        raise Tempest::HandlerError.new("busy", "try #{context.attempt}") if context.attempt < 3

        "done"
      end
    end
    arguments = [1, 1.0, "é", { "b" => nil, "a" => "\xFF".b }]
    %i[json msgpack tnetstring].each do |codec|
      answer = client.call("flaky", arguments, 2**64 - 1, codec: codec, attempts: 3, backoff: QUICK, meta: { "x" => [1] }, timeout: 30)
      assert_equal "done", answer
      runs = Array.new(3) { seen.pop }
      assert_equal [1, 2, 3], runs.map(&:first)
      assert_equal [codec.to_s], runs.map { |run| run[1] }.uniq
      assert_equal [nil, "busy: try 1", "busy: try 2"], runs.map { |run| run[2] }
      assert_equal [[arguments, 2**64 - 1]], runs.map { |run| run.drop(3) }.uniq
    end
    assert_equal [6, nil], counts.values_at("retried", "failed")
  end

  def test_the_last_failure_is_answered
    worker { |w| w.handle("broken", context: true, backoff: QUICK, attempts: 2) { |context| raise Tempest::HandlerError.new("bad", "in #{context.attempt}") } }
    error = assert_raises(Tempest::RemoteError) { client.call("broken", timeout: 30) }
    assert_equal ["bad", "in 2"], [error.code, error.remote_message]
    assert_equal [1, 1], counts.values_at("retried", "failed")
  end

  def test_a_caller_gets_the_first_failure_unless_somebody_asks_for_more
    worker { |w| w.handle("broken", backoff: QUICK) { raise "secret" } }
    assert_equal "handler", assert_raises(Tempest::RemoteError) { client.call("broken", timeout: 30) }.code
    assert_nil counts["retried"]
  end

  def test_a_job_that_nobody_waits_for_ends_among_the_dead_with_its_last_words
    worker { |w| w.handle("broken", backoff: QUICK, attempts: 3) { |text| raise ArgumentError, text } }
    id = client.push("broken", "é" * 600)
    Await.until("the dead") { dead.any? }
    record = dead.first
    assert_equal "exhausted", record["reason"]
    assert_match(/\AArgumentError: é+\z/, record["detail"].dup.force_encoding("UTF-8"))
    job = JSON.parse(record["job"])
    assert_equal [id, 3, 500], [job[3], job[4]["attempt"], job[4]["last_error"].size]
    assert_equal [2, 3], counts.values_at("retried", "settled")
  end

  def test_bad_arguments_are_dead_at_once_or_answered
    worker { |w| w.handle("one", attempts: 5) { |a| a } }
    assert_equal "bad_args", assert_raises(Tempest::RemoteError) { client.call("one", 1, 2, timeout: 30) }.code
    client.push("one")
    Await.until("the dead") { dead.any? }
    assert_equal ["bad_args", "args: expected 1, found 0"], dead.first.values_at("reason", "detail")
    assert_nil counts["retried"]
  end

  def test_a_handler_says_when_it_is_to_be_run_again
    times = []
    worker do |w|
      w.handle("later", context: true, backoff: [1000, 1000]) do |context|
        times << Tempest.now
        raise Tempest::Retry.new(after: 0.3) if context.attempt == 1
      end
    end
    client.call("later", attempts: 2, timeout: 30)
    assert_operator times[1] - times[0], :>=, 0.29
  end

  def test_only_the_errors_that_are_named
    worker { |w| w.handle("pick", retry_on: [IOError], backoff: QUICK) { |name| raise Object.const_get(name) } }
    assert_raises(Tempest::RemoteError) { client.call("pick", "EOFError", attempts: 3, timeout: 30) }
    assert_equal 2, counts["retried"]
    assert_raises(Tempest::RemoteError) { client.call("pick", "KeyError", attempts: 3, timeout: 30) }
    assert_equal 2, counts["retried"]
  end

  def test_a_handler_that_heeds_its_time_out_fails_by_it
    left = nil
    worker do |w|
      w.handle("long", context: true, timeout: 60) do |context|
        left ||= context.remaining
        loop { context.check || sleep(0.005) }
      end
      w.handle("late", context: true, timeout: 0.05) { |context| sleep(0.01) until context.cancelled?; raise "of that" }
      w.handle("late but done", context: true, timeout: 0.05) { |context| sleep(0.01) until context.timed_out?; "done" }
    end
    c = client
    assert_equal "timeout", assert_raises(Tempest::RemoteError) { c.call("long", run_timeout: 0.1, timeout: 30) }.code
    assert_includes 0.0..0.1, left
    assert_equal "timeout", assert_raises(Tempest::RemoteError) { c.call("late", timeout: 30) }.code
    assert_equal "done", c.call("late but done", timeout: 30)
    c.push("long", timeout: 0.05, attempts: 2, backoff: QUICK)
    Await.until("the dead") { dead.any? }
    assert_match(/\Aexhausted timeout: /, dead.first.values_at("reason", "detail").join(" "))
  end

  def test_a_job_that_comes_too_late_is_not_begun
    ran = []
    worker { |w| w.handle("a") { ran << 1 } }
    c = client
    assert_equal "expired", assert_raises(Tempest::RemoteError) { c.call("a", meta: { "expires_at" => 1 }, timeout: 30) }.code
    c.push("a", expires: Time.at(1))
    Await.until("two expired") { counts["expired"] == 2 }
    # Nobody waits for this one any more, so nobody is told.
    call("RPUSH", Q, %(["a",[],"box","i",{"deadline":1}]))
    Await.until("three expired") { counts["expired"] == 3 }
    assert_equal 0, call("EXISTS", "{#{Q}}:in:box")
    assert_empty ran
    c.call("a", expires: 60, timeout: 30)
    assert_equal [1], ran
  end

  def test_times_are_those_of_redis
    worker { |w| w.handle("a") { 1 } }
    c = client
    assert_raises(Tempest::CallTimeout) { c.call("nobody", queue: "other", timeout: 1) }
    seconds, micros = call("TIME").map(&:to_i)
    now = (seconds * 1000) + (micros / 1000)
    assert_in_delta now, JSON.parse(call("LINDEX", "other", "0"))[4]["deadline"], 500
    bare = client(four_elements: true)
    assert_raises(Tempest::CallTimeout) { bare.call("nobody", queue: "bare", timeout: 1) }
    assert_equal 4, JSON.parse(call("LINDEX", "bare", "0")).size
    assert_raises(ArgumentError) { bare.push("a", attempts: 3) }
  end

  def test_a_handler_thread_that_ended_itself_counts_as_a_failure
    worker(concurrency: 1) { |w| w.handle("die") { Thread.current.kill } }
    assert_equal "handler", assert_raises(Tempest::RemoteError) { client.call("die", timeout: 30) }.code
  end
end
