# frozen_string_literal: true

# Jobs for later, and jobs that are not wanted any more.

require_relative "harness"

class TestDelayAndCancel < RedisTest
  def test_a_job_for_later_is_run_then_and_not_before
    ran = Thread::Queue.new
    worker { |w| w.handle("note") { |text| ran << [text, Tempest.now] } }
    c = client
    start = Tempest.now
    wall = Time.now
    c.push("note", "at", at: wall + 0.8, level: "high")
    c.push("note", "after", after: 0.4)
    c.push_many([%w[note many], %w[note many]], after: 0.2)
    c.push("note", "past", at: Time.at(0))
    times = Timeout.timeout(30) { Array.new(5) { ran.pop } }
    assert_equal %w[past many many after at], times.map(&:first)
    times.zip([0, 0.2, 0.2, 0.4, 0.8]) do |(text, time), due|
      assert_operator time - start, :>=, due - 0.02, text
      assert_operator time - start, :<, due + 1.5, text
    end
  end

  def test_delayed_jobs_wait_in_redis_and_options_are_checked
    c = client
    id = c.push("note", 1, after: 3600, attempts: 4, backoff: [1, 60.5], timeout: 2, expires: Time.at(2_000_000_000))
    member, = call("ZRANGE", "{#{Q}}:!delayed", "0", "-1")
    assert_equal ["note", [1], nil, id, { "attempts" => 4, "backoff" => [1000, 60_500], "timeout" => 2000, "expires_at" => 2_000_000_000_000 }],
                 JSON.parse(member[/\[.*/m])
    [{ after: -1 }, { after: 1, at: Time.now }, { at: 5 }, { attempts: 0 }, { timeout: "1" }, { expires: -1 }, { backoff: 1 }].each do |options|
      assert_raises(ArgumentError, options.to_s) { c.push("note", **options) }
    end
  end

  def test_a_job_that_waits_is_not_run_once_it_is_cancelled
    ran = Thread::Queue.new
    c = client
    call("RPUSH", Q, %(["note",["first"],"box",77]))
    ids = Array.new(3) { |n| c.push("note", n) }
    answer = Thread.new { c.call("note", "asked", timeout: 30) rescue $! }
    Await.until("the call") { call("LLEN", Q) == 5 }
    asked = JSON.parse(call("LINDEX", Q, "4"))[3]
    [77, ids[1], asked].each { |id| c.cancel(id) }
    worker { |w| w.handle("note") { |value| ran << value } }
    assert_equal "cancelled", answer.value.code
    Await.until("all") { counts["settled"] == 5 }
    assert_equal [0, 2], Array.new(ran.size) { ran.pop }.sort
    assert_equal 3, counts["cancelled"]
    assert_equal ["note", 77, [], { "error" => { "code" => "cancelled", "message" => "the job was cancelled" } }],
                 JSON.parse(call("LPOP", "{#{Q}}:in:box"))
    assert_equal 0, call("EXISTS", "{#{Q}}:!cancelled")
  end

  def test_the_handler_of_a_running_job_is_told
    begun = Thread::Queue.new
    worker do |w|
      w.handle("wait", context: true) do |context|
        begun << context.job_id
        sleep(0.005) until context.cancelled?
        context.check
      end
      w.handle("deaf", context: true) do |context|
        begun << context.job_id
        sleep(0.005) until context.cancelled?
        "done all the same"
      end
      w.handle("fails", context: true, attempts: 5, backoff: [0, 0]) do |context|
        begun << context.job_id
        sleep(0.005) until context.cancelled?
        raise "of something else"
      end
    end
    c = client
    Await.until("the subscription") { call("PUBSUB", "NUMSUB", "{#{Q}}:!news").last == 1 }
    answers = %w[wait deaf fails].map do |action|
      answer = Thread.new { c.call(action, timeout: 30) rescue $! }
      assert_equal 1, c.cancel(Timeout.timeout(30) { begun.pop })
      answer.value
    end
    assert_equal ["cancelled", "done all the same", "cancelled"], [answers[0].code, answers[1], answers[2].code]
    assert_equal 2, counts["cancelled"]
    call("RPUSH", Q, %(["wait",[],null,"an id with spaces é"]))
    Timeout.timeout(30) { begun.pop }
    c.cancel("an id with spaces é")
    Await.until("three") { counts["cancelled"] == 3 }
  end

  def test_what_was_cancelled_while_the_subscription_was_cut_is_asked_for
    begun = Thread::Queue.new
    worker do |w|
      w.handle("wait", context: true) do |context|
        begun << context.job_id
        sleep(0.005) until context.cancelled?
        context.check
      end
    end
    id = client.push("wait")
    Timeout.timeout(30) { begun.pop }
    Await.until("the subscription") { call("PUBSUB", "NUMSUB", "{#{Q}}:!news").last == 1 }
    # As cancel does, but nobody is told.
    call("ZADD", "{#{Q}}:!cancelled", ((Time.now.to_i + 60) * 1000).to_s, id)
    call("CLIENT", "KILL", "TYPE", "pubsub")
    Await.until("the cancelled") { counts["cancelled"] == 1 }
  end
end
