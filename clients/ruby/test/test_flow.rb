# frozen_string_literal: true

# Answers of several elements and of none; and credits: a worker sends no more than its caller can hold.

require "objspace"
require_relative "front"

class TestElements < FrontTest
  def test_what_is_returned_or_sent_are_the_args
    worker do |w|
      w.handle("three") { Tempest::Elements.new(200, { "a" => "b" }, "body") }
      w.handle("none") { Tempest::Elements.new }
      w.handle("list") { [1, 2] }
      w.handle("sends", context: true) do |context|
        context.send_answer("one")
        context.send_answer(2, "two")
        context.send_answer(Tempest::Elements.new(3))
        context.send_answer
        Tempest::Elements.new
      end
    end
    assert_equal [[[200, { "a" => "b" }, "body"]], {}], answers("three")
    assert_equal [[[]], {}], answers("none")
    assert_equal [[[[1, 2]]], {}], answers("list")
    args, meta = answers("sends")
    assert_equal [[["one"], [2, "two"], [3], [], []], 4], [args, meta["seq"]]
    assert_equal [200, { "a" => "b" }, "body"], client.call("three", timeout: 30)
  end
end

class TestLongStreams < FrontTest
  PIECE = 1_000_000
  COUNT = 60

  def strings = ObjectSpace.memsize_of_all(String)

  def test_what_was_sent_does_not_wait_for_the_collector
    held = []
    worker do |w|
      w.handle("long", context: true) do |context|
        before = strings
        COUNT.times do
          context.send_answer("x" * PIECE)
          held << (strings - before)
        end
        nil
      end
    end
    GC.start
    GC.disable # what is collected from here on is collected by the worker's own wish
    inbox = ask("long")
    COUNT.times { answer(inbox) }
    answer(inbox)
    # Each piece is written and sent in several copies: between two sweeps they are some 50 MB, and without any 320 MB at the end.
    assert_operator held.max, :<, 150_000_000
  ensure
    GC.enable
  end
end

class TestCredits < FrontTest
  COUNT = 20

  def setup
    super
    @log = worker do |w|
      w.handle("count", context: true) do |context|
        COUNT.times { |i| context.send_answer(i) }
        "end"
      end
    end
  end

  def asked = call("INFO", "commandstats")[/cmdstat_fcall:calls=(\d+)/, 1].to_i

  # The worker has sent so many answers and asks on; no more come meanwhile.
  def stands_at(inbox, length)
    Await.until("#{length} answers") { call("LLEN", "{#{Q}}:in:#{inbox}") >= length }
    before = asked
    Await.until("the worker to ask") { asked >= before + 10 }
    assert_equal length, call("LLEN", "{#{Q}}:in:#{inbox}")
  end

  def use(job_id, used, queue = Q) = call("FCALL", "tempest1_credit", "1", queue, job_id, used.to_s)

  def test_the_worker_waits_until_its_answers_are_used
    inbox = ask("count", meta: { credits: 3 }, job_id: "flow")
    stands_at(inbox, 3)
    use("flow", 1)
    stands_at(inbox, 4)
    use("flow", 12)
    stands_at(inbox, 15)
    use("flow", COUNT)
    assert_equal [*0...COUNT, "end"], Array.new(COUNT + 1) { answer(inbox).first.first }
  end

  def test_without_credits_nothing_waits_and_the_last_answer_never_does
    [nil, 0, -1, "3", 1.0, true, COUNT].each { |credits| assert_equal COUNT + 1, answers("count", meta: { credits: credits }).first.size, credits.inspect }
  end

  def test_a_job_that_is_cancelled_waits_no_longer
    inbox = ask("count", meta: { credits: 1 }, job_id: "gone")
    stands_at(inbox, 1)
    client.cancel("gone")
    answer(inbox)
    args, meta = answer(inbox)
    assert_equal [[], "cancelled", 1], [args, meta["error"]["code"], meta["seq"]]
  end

  def test_a_caller_on_another_queue_counts_there
    ask("count", meta: { credits: 2 }, inbox: "box@other", job_id: "far")
    use("far", COUNT, "other")
    Await.until("all answers") { call("LLEN", "{other}:in:box") == COUNT + 1 }
  end
end

# By a clock that goes on only while the flow pauses.
class TestFlow < Minitest::Test
  def flow(credits, *said, check: -> {})
    @pauses = []
    Tempest::Flow.new(credits, check: check, clock: -> { @pauses.sum }, pause: ->(seconds) { @pauses << seconds }) do
      word = said.size > 1 ? said.shift : said.first
      word.is_a?(Exception) ? raise(word) : word
    end
  end

  def test_a_caller_that_uses_nothing_is_given_up
    error = assert_raises(Tempest::CallerStalled) { flow(2, 0).wait(2) }
    assert_equal ["stalled", "the caller holds 2 answers and has used none of them for 30 s"], [error.code, error.message]
    assert_includes 30.0..30.1, @pauses.sum
  end

  def test_progress_begins_the_patience_anew
    assert_raises(Tempest::CallerStalled) { flow(1, *[0] * 700, 1).wait(2) }
    assert_includes 40.0..70.0, @pauses.sum
  end

  def test_it_asks_with_longer_and_longer_pauses_between_5_and_50_ms
    flow(1, *[0] * 8, 1).wait(1)
    assert_equal 8, @pauses.size
    assert(@pauses.all? { |pause| (0.0025..0.05).cover?(pause) }, @pauses.inspect)
    assert_operator @pauses.last, :>, @pauses.first
  end

  def test_while_redis_is_away_no_time_runs
    flow(1, *[Tempest::ConnectionLost.new("away")] * 100, 1).wait(1)
    assert_in_delta 50.0, @pauses.sum
  end

  def test_a_job_that_is_to_end_and_an_error_of_redis_end_the_wait
    assert_raises(Tempest::Cancelled) { flow(1, 0, check: -> { raise Tempest::Cancelled, "over" }).wait(1) }
    assert_raises(Tempest::ServerError) { flow(1, Tempest::ServerError.new("NOPERM no")).wait(1) }
  end
end
