# frozen_string_literal: true

# Who says when that Redis is away and back.

require_relative "harness"

class TestOutage < Minitest::Test
  def setup
    @log = StringIO.new
    @outage = Tempest::Outage.new(Logger.new(@log))
  end

  def words = @log.string.scan(/-- : (.*?)(?= [a-z_]+=)/).flatten

  def test_who_has_given_up_does_not_keep_the_others_from_saying_that_redis_is_back
    @outage.lost(:client, "gone")
    @outage.lost("inbox", "gone")
    @outage.rest(:client)
    @outage.back("inbox")
    assert_equal ["cannot use Redis; trying again", "Redis is back"], words
    @outage.back(:client)
    assert_equal 2, words.size, "once"
  end

  def test_who_has_given_up_and_tries_again_counts_again
    @outage.lost(:client, "gone")
    @outage.rest(:client)
    @outage.lost(:client, "still gone")
    @outage.lost("inbox", "gone")
    @outage.back("inbox")
    assert_equal ["cannot use Redis; trying again"], words
    @outage.back(:client)
    assert_equal ["Redis is back"], words.drop(1)
  end

  def test_where_nobody_was_without_redis_nothing_is_said
    @outage.back(:client)
    @outage.lost(:client, "gone")
    @outage.back(:client)
    @outage.lost("inbox", "seen late") # of the same outage
    @outage.back("inbox")
    @outage.back(:client)
    assert_equal ["cannot use Redis; trying again", "Redis is back"], words
  end
end

class TestOutageOfAClient < RedisTest
  def setup
    super
    @redis = PrivateRedis.new
    @endings << -> { @redis.stop }
    @log = StringIO.new
  end

  def client(**options) = super(logger: Logger.new(@log), **options)

  def test_a_client_that_gave_up_and_is_idle_says_that_redis_is_back_when_its_inbox_finds_it
    c = client(patience: 0)
    waiting = Thread.new { c.stream("nobody", timeout: 60) { nil } }
    waiting.report_on_exception = false
    call("BLPOP", Q, "10")
    c.push("later") # by the same connection, so that the stream has its reply
    @redis.kill
    # For a second after its last use a connection is trusted.
    c.instance_variable_get(:@line).instance_variable_set(:@used, 0)
    assert_raises(Tempest::ConnectionLost) { c.push("a") }
    outage = c.instance_variable_get(:@outage)
    Await.until("the inbox to notice") { outage.instance_variable_get(:@lost).size == 2 }
    @redis.start
    Await.until("somebody to say it") { @log.string.include?("Redis is back") }
    c.push("a")
    assert_equal 1, @log.string.scan("Redis is back").size
  end

  def test_a_child_knows_nothing_of_an_outage_that_its_parent_has_met
    c = client(patience: 0)
    @redis.kill
    assert_raises(Tempest::ConnectionLost) { c.push("a") }
    @redis.start
    @log.truncate(0)
    @log.rewind
    child = fork do
      c.push("a")
      exit!(@log.string.empty?)
    rescue StandardError
      exit!(false)
    end
    assert_predicate Process.wait2(child).last, :success?
    assert_equal 1, call("LLEN", Q)
  end

  def test_a_cancel_that_redis_did_not_hear_is_said_by_the_next_connection
    c = client(patience: 0)
    waiting = Thread.new { c.stream("raw", timeout: 60) { break } }
    action, _, _, id = JSON.parse(call("BLPOP", Q, "10").last)
    c.push("later") # by the same connection, so that the stream has its reply
    @redis.kill
    c.instance_variable_get(:@line).instance_variable_set(:@used, 0)
    bytes = JSON.generate([action, id, [1], { more: true, token: "t" }])
    c.instance_variable_get(:@inboxes).values.first.instance_variable_get(:@deliveries).deliver(bytes)
    waiting.join(20)
    @redis.start
    Await.until("it to be cancelled") { call("EXISTS", "{q}:!cancelled") == 1 }
  end

  def test_a_full_redis_is_no_redis_that_is_away
    c = client
    answer = Thread.new { c.call("a", timeout: 20) }
    action, _, inbox, id = JSON.parse(call("BLPOP", Q, "10").last)
    call("CONFIG", "SET", "maxmemory", "1")
    # What waits is not asked whether there is room; it is cut, and waits anew.
    call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    Await.until("it to be said") { @log.string.include?("Redis refuses the blocking read of an inbox; trying again queue=q error=\"OOM") }
    call("CONFIG", "SET", "maxmemory", "0")
    call("RPUSH", "{q}:in:#{inbox}", JSON.generate([action, id, [1], { token: "t" }]))
    assert_equal 1, answer.value
    assert_equal 1, @log.string.scan("blocking read").size
    refute_match(/cannot use Redis.*OOM/, @log.string)
  end
end
