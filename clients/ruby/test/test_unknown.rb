# frozen_string_literal: true

# Jobs whose action the worker that claimed them has no handler for: they wait for one that has.

require_relative "harness"

class TestUnknown < RedisTest
  def waiting = call("KEYS", "{q}:!unknown:*").sum { |key| call("ZCARD", key) }
  def dead = call("XRANGE", "{q}:!dead", "-", "+").map { |_, record| record.each_slice(2).to_h }
  def knows(action, **options) = worker(**options) { |made| made.handle(action) { |word| word } }
  def later(*job, **options) = Thread.new { client.call(*job, timeout: 20, **options) }.tap { |thread| thread.report_on_exception = false }

  # celery "unregistered task", sidekiq#3414, sidekiq#3301: deploys of one worker after another.
  def test_a_worker_that_stops_and_still_runs_a_job_is_nobody_to_wait_for
    begun = Thread::Queue.new
    gate = Thread::Queue.new
    stopped = nil
    worker(grace: 60) { |w| (stopped = w).handle("hold") { begun << 1; gate.pop } }
    client.push("hold")
    begun.pop
    process = processes.first
    assert_equal 1, call("EXISTS", "{q}:!actions:#{process}")
    stopped.stop
    Await.until("it knows nothing") { call("EXISTS", "{q}:!actions:#{process}").zero? }
    assert_equal [process], processes, "it runs the job"
    gate << 1
    Await.until("its end") { processes.empty? }
  end

  def test_a_job_that_one_worker_does_not_know_is_run_by_another_that_comes_later
    log = knows("old")
    10.times { |number| client.push("new", number) }
    calls = Array.new(3) { |number| later("new", number, level: "high") }
    Await.until("all to wait") { waiting == 13 }
    assert_includes log.string, "no handler here for a job's action"
    knows("new")
    assert_equal [0, 1, 2], calls.map(&:value)
    Await.until("all to be run") { counts["settled"] == 13 }
    assert_equal [[], 0, 0], [dead, waiting, call("EXISTS", "{q}:!unknown")]
  end

  def test_each_of_two_workers_gets_what_it_knows
    knows("old", concurrency: 2)
    knows("new", concurrency: 2)
    calls = Array.new(60) { |number| later(%w[old new][number % 2], number) }
    assert_equal (0...60).to_a, calls.map(&:value)
    assert_empty dead
  end

  def test_a_job_that_nobody_comes_for_is_dead_after_the_patience
    knows("old", unknown_patience: 0.5)
    began = Tempest.now
    client.push("nobody", 1)
    Await.until("its end") { !dead.empty? }
    assert_operator Tempest.now - began, :>, 0.45
    assert_equal %w[unknown_action default], dead.first.values_at("reason", "level")
    assert_equal 0, call("EXISTS", "{q}:!unknown")
  end

  def test_a_caller_learns_it_before_its_time_is_over
    knows("old")
    [2].each do |seconds|
      began = Tempest.now
      assert_equal "unknown_action", assert_raises(Tempest::RemoteError) { client.call("nobody", timeout: seconds) }.code
      assert_operator Tempest.now - began, :>, seconds * 0.45
    end
  end

  def test_a_worker_without_patience_gives_up_at_once
    knows("old", unknown_patience: 0)
    assert_equal "unknown_action", assert_raises(Tempest::RemoteError) { client.call("nobody", timeout: 20) }.code
    refute_includes counts, "unknown"
  end

  def test_what_waits_can_be_cancelled_and_a_paused_level_keeps_it
    knows("old")
    kept = client.push("new", 1)
    gone = client.push("new", 2)
    Await.until("both to wait") { waiting == 2 }
    call("FCALL", "tempest1_pause", "1", Q, "default")
    client.cancel(gone)
    knows("new")
    assert_equal 3, client.call("new", 3, level: "high", timeout: 20)
    assert_equal 2, waiting
    call("FCALL", "tempest1_resume", "1", Q)
    Await.until("both to be settled") { counts["settled"] == 3 }
    assert_equal 1, counts["cancelled"]
    assert kept
  end

  def test_a_step_of_a_route_waits_and_its_failure_is_told
    knows("old")
    assert_equal "unknown_action", assert_raises(Tempest::RemoteError) { client.call("old", 1, timeout: 2, route: ["nobody"]) }.code
    call = later("old", 2, route: ["new"])
    Await.until("it to wait") { waiting == 1 }
    knows("new")
    assert_equal 2, call.value
  end

  def test_one_refused_settle_never_blocks_the_others
    log = worker(concurrency: 2) do |made|
      made.handle("bad") { :never }
      made.handle("good") { |word| word }
    end
    bad = Tempest::Outcome
    original = bad.instance_method(:arguments)
    bad.define_method(:arguments) { @claim.payload.include?('"bad"') && @verdict == "done" ? [@claim.field, "nonsense", "", ""] : original.bind_call(self) }
    call = later("bad")
    assert_equal (0...20).to_a, Array.new(20) { |number| client.call("good", number, timeout: 20) }
    Await.until("its end") { !dead.empty? }
    assert_equal "refused", dead.first["reason"]
    assert_includes log.string, "reason=refused"
    call.kill
  ensure
    bad.define_method(:arguments, original)
  end
end
