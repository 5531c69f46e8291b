# frozen_string_literal: true

# Streams with credits: a worker is never further ahead than its caller allows, and stops when nobody wants its answers.

require_relative "harness"

class TestStreams < RedisTest
  def setup
    super
    @sent = 0
    @cancelled = Thread::Queue.new
  end

  def serve
    worker do |w|
      w.handle("count", context: true) do |context, to|
        to.times do |number|
          context.send_answer(number)
          @sent = number + 1
        end
        nil
      rescue Tempest::Cancelled
        @cancelled << true
        raise
      end
    end
  end

  def flow
    key = @redis.call("KEYS", "{q}:!flow:*").first
    key && @redis.call("GET", key).to_i
  end

  def asked = @redis.call("INFO", "commandstats")[/cmdstat_fcall:calls=(\d+)/, 1].to_i

  # The worker asks how many answers were used, again and again, and sends no more.
  def stands_still(least)
    Await.until("answers") { @sent >= least }
    before = asked
    sent = @sent
    Await.until("the worker to ask") { asked >= before + 20 }
    assert_equal sent, @sent
  end

  def inbox(client) = client.instance_variable_get(:@inboxes).values.first

  def held(client)
    inbox(client).instance_variable_get(:@deliveries).all.sum(&:held) + @redis.call("LLEN", "{q}:in:#{inbox(client).id}")
  end

  def job = JSON.parse(@redis.call("BLPOP", "q", "10").last)

  def test_a_consumer_that_stops_holds_no_more_than_its_credits
    serve
    c = client
    seen = []
    c.stream("count", 100_000, timeout: 20) do |number|
      seen << number
      if number == 9
        stands_still(1000)
        assert_operator held(c), :<=, 1000
        assert_equal 1000, @sent
      end
      if number == 599
        # Said after half a window, and by a slow caller each five seconds too.
        used = flow
        assert_includes 500..600, used
        Await.until("the worker to go on") { @sent == used + 1000 }
        break
      end
    end
    assert_equal [*0..599], seen
    assert Timeout.timeout(10) { @cancelled.pop }, "the handler is told"
    Await.until("what was used to be forgotten") { flow.nil? }
  end

  def test_a_fast_consumer_gets_all_in_order
    serve
    c = client
    assert_equal [*0...20_000], c.stream("count", 20_000, timeout: 20).to_a
    assert_equal [0, nil], [c.late, flow]
  end

  def test_few_credits
    serve
    c = client
    assert_equal [*0...30], c.stream("count", 30, credits: 1, timeout: 20).to_a
    [0, -1, true, "3", 1.5].each { |wrong| assert_raises(ArgumentError) { c.stream("count", 1, credits: wrong) { nil } } }
  end

  def test_a_client_that_is_closed_cancels_the_jobs_of_its_streams
    serve
    c = client
    begun = Thread::Queue.new
    waiting = Thread.new { c.stream("count", 100_000, timeout: 20) { |number| number.zero? ? begun << true : sleep } }
    waiting.report_on_exception = false
    begun.pop
    c.close
    assert Timeout.timeout(20) { @cancelled.pop }, "the handler is told"
    waiting.kill
  end

  def test_more_credits_than_there_may_be_are_as_many_as_there_may_be
    c = client
    asked = lambda do |**options|
      waiting = Thread.new { c.stream("raw", **options) { nil } }
      waiting.report_on_exception = false
      found = job.last["credits"]
      window = inbox(c).instance_variable_get(:@deliveries).all.last.window
      waiting.kill.join
      [found, window]
    end
    assert_equal [1_000_000, 1_000_000], asked.call(credits: 5_000_000)
    assert_equal [5_000_000, 0], asked.call(meta: { credits: 5_000_000 }), "out of bounds it counts as absent"
  end

  def test_what_redis_has_forgotten_is_said_again_on_the_next_connection
    serve
    c = client
    c.stream("count", 100_000, timeout: 20) do |number|
      next unless number == 699

      assert_includes 500..700, flow
      @redis.call("DEL", *@redis.call("KEYS", "{q}:!flow:*"))
      @redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
      Await.until("it to be said again") { flow == 700 }
      break
    end
  end

  def test_a_worker_that_knows_no_credits_sends_on
    c = client
    found = Thread.new { c.stream("raw", timeout: 20).to_a }
    action, _, inbox, id, meta = job
    assert_equal 1000, meta["credits"]
    answers = Array.new(5000) { |n| JSON.generate([action, id, [n], { more: true, seq: n, token: "t" }]) }
    @redis.call("RPUSH", "{q}:in:#{inbox}", *answers, JSON.generate([action, id, [], { seq: 5000, token: "t" }]))
    assert_equal [*0...5000], found.value
  end

  def test_without_credits_the_job_has_none
    waiting = [client, client(four_elements: true)].zip([{ credits: nil }, {}]).map do |c, options|
      Thread.new { c.stream("raw", **options) { nil } }.tap { |thread| thread.report_on_exception = false }
    end
    jobs = [job, job].sort_by(&:size)
    assert_equal [4, 5], jobs.map(&:size)
    refute_includes jobs.last.last, "credits"
    @endings.reverse_each(&:call)
    @endings.clear
    waiting.each { |thread| assert_raises(Tempest::ClientClosed) { thread.value } }
  end
end

# By a clock and a connection of the test's own.
class TestCreditsByThemselves < Minitest::Test
  def test_a_slow_consumer_says_what_it_has_used_before_it_is_given_up
    said = []
    line = Object.new
    line.define_singleton_method(:freshen) { nil }
    line.define_singleton_method(:fcall) { |*words| said << words }
    expected = Tempest::ExpectedAnswers.new("j", window: 1000)
    credits = Tempest::Credits.new(-> { line }, "q", expected, 30, nil)
    take = lambda do |number|
      expected.accept(Tempest::Answer.new(action: "a", job_id: "j", args: [1], codec: Tempest::JSONCodec,
                                          meta: { "more" => true, "seq" => number, "token" => "t" }))
      expected.take(nil)
      credits.note
    end
    3.times(&take)
    assert_empty said
    credits.instance_variable_set(:@said_at, Tempest.now - Tempest::Credits::SAY)
    take.call(3)
    take.call(4)
    assert_equal [["credit", "q", "j", 4]], said
    (5...504).each(&take)
    assert_equal ["credit", "q", "j", 504], said.last
    credits.close
    assert_equal [["credit", "q", "j"], ["cancel", "q", "j", 330_000]], said.last(2)
  end
end
