# frozen_string_literal: true

# Whether a failed job is run again, and when: the handler's rule, the job's own, and the defaults.

require_relative "harness"

class TestRetryPolicy < Minitest::Test
  def job(respond_to: nil, **meta)
    Tempest::Job.new(action: "a", args: [], respond_to: respond_to, job_id: "i", meta: meta.transform_keys(&:to_s), codec: Tempest::JSONCodec)
  end

  def again(job, error = RuntimeError.new("x"), now: 0, **rules)
    Tempest::RetryPolicy.new(**rules).again(job, error, now)
  end

  def test_the_defaults
    assert_nil again(job(respond_to: "box"))
    assert_nil again(job(attempt: 25))
    assert_includes 7_500..15_000, again(job)
    assert_includes 15_000..30_000, again(job(attempt: 2))
    assert_includes 43_200_000..86_400_000, again(job(attempt: 24))
  end

  def test_the_handlers_rule_and_the_jobs_own_before_it
    assert_nil again(job(attempt: 2), attempts: 2)
    assert_includes 50..100, again(job(attempt: 2, attempts: 3), attempts: 2, backoff: [0.05, 1])
    assert_includes 5..10, again(job(attempt: 9, attempts: 10, backoff: [10, 10]), backoff: [60, 60])
    assert_nil again(job(attempts: 1))
  end

  def test_meta_of_the_wrong_type_is_ignored
    assert_includes 7_500..15_000, again(job(attempt: "9", attempts: 0.5, backoff: [1], deadline: "x"))
    assert_includes 7_500..15_000, again(job(attempt: -3, backoff: [-1, 2**60]))
    assert_includes 7_500..15_000, again(job(attempt: 2**63, backoff: [60, 1]))
    assert_includes 7_500..15_000, again(job(attempt: 1_000_001, backoff: [0, 31_536_000_001]))
  end

  def test_a_handler_that_asks_gets_25_attempts_unless_somebody_has_said_how_many
    [nil, "box"].each do |caller|
      assert_equal 1000, again(job(respond_to: caller, attempt: 24), Tempest::Retry.new(after: 1))
      assert_nil again(job(respond_to: caller, attempt: 25), Tempest::Retry.new(after: 1))
      assert_nil again(job(respond_to: caller, attempts: 1), Tempest::Retry.new(after: 1))
      assert_nil again(job(respond_to: caller), Tempest::Retry.new(after: 1), attempts: 1)
    end
  end

  def test_nothing_is_longer_than_365_days
    year = 31_536_000_000
    ever = Float::INFINITY
    assert_includes (year / 2)..year, again(job, backoff: [ever, ever])
    assert_equal year, again(job, Tempest::Retry.new(after: ever))
    assert_nil again(job(attempt: 1_000_000), attempts: 10**9), "the next number would count as the first"
    meta = Tempest::JobOptions.meta({}, nil, attempts: 10**9, backoff: [1e300, ever], timeout: ever)
    assert_equal({ "attempts" => 1_000_000, "backoff" => [year, year], "timeout" => year }, meta)
    assert_equal [5, nil, nil, nil], [5, ever, 1e300, nil].map { |timeout| Tempest::JobOptions.patience(timeout) }
  end

  def test_which_errors
    assert_nil again(job, Tempest::BadArguments.new("args[0]"))
    assert_nil again(job, Tempest::HandlerError.new("bad_args", "m"))
    assert_nil again(job, ArgumentError.new, retry_on: [IOError])
    assert_kind_of Integer, again(job, EOFError.new, retry_on: IOError)
    assert_kind_of Integer, again(job, Tempest::HandlerError.new("busy", "m"))
    assert_equal 2500, again(job, Tempest::Retry.new(after: 2.5), retry_on: [])
    assert_nil again(job(attempt: 25), Tempest::Retry.new(after: 1))
  end

  def test_a_caller_that_would_wait_no_more_is_told_now
    assert_nil again(job(respond_to: "box", attempts: 3, deadline: 1000), now: 0)
    assert_kind_of Integer, again(job(respond_to: "box", attempts: 3, deadline: 20_000), now: 0)
  end

  def test_what_makes_no_sense_is_refused
    [{ attempts: 0 }, { attempts: 1.5 }, { backoff: 5 }, { backoff: [1] }, { backoff: [-1, 2] }, { backoff: [60, 1] }, { backoff: [Float::NAN, 1] }, { retry_on: ["IOError"] }].each do |rules|
      assert_raises(ArgumentError, rules.to_s) { Tempest::RetryPolicy.new(**rules) }
    end
    assert_raises(ArgumentError) { Tempest::Retry.new(after: -1) }
    assert_raises(ArgumentError) { Tempest::Worker.new("q").handle("a", timeout: 0) { 1 } }
  end
end
