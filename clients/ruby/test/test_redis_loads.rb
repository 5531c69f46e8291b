# frozen_string_literal: true

# A Redis that is there and cannot serve, because it reads its file or is a replica: for callers and workers it is as one that is away.

require_relative "harness"

# A Redis that reads its file for as long as the test likes.
class SlowlyLoadingRedis < PrivateRedis
  KEYS = 1000

  def fill
    KEYS.times { |n| call("SET", "filling:#{n}", SecureRandom.bytes(2048)) }
    call("SAVE")
  end

  # 20 s at most: a moment for each key, and after each key it answers who asks.
  def restart_loading
    kill
    launch("--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024")
    Await.until("loading") { refusal&.include?("LOADING") }
  end

  def finish_loading
    call("CONFIG", "SET", "key-load-delay", "0")
    Await.until("its end") { refusal.nil? }
  end

  private

  def refusal
    call("PING")
    nil
  rescue Tempest::Error => e
    e.message
  end
end

class TestRedisLoads < RedisTest
  def setup
    super
    @redis = SlowlyLoadingRedis.new
    @endings << -> { @redis.stop }
    @redis.fill
  end

  def echo_worker = worker { |w| w.handle("echo") { |arg| arg } }

  def test_whoever_asks_is_told_that_redis_is_away
    @redis.restart_loading
    session = Tempest::Session.new("s" * 43, @redis.connection)
    c = client(patience: 0)
    [-> { c.push("echo", 2) }, -> { c.push("echo", 2, after: 60) }, -> { c.push_many([["echo", 2]]) }, -> { c.cancel("id") },
     -> { c.tell(Q, "box", "id", ["text"]) }, -> { c.publish("news", 1) }, -> { session.get("a") }, -> { session.set("a", 1) }].each do |ask|
      assert_match(/cannot serve now: LOADING/, assert_raises(Tempest::ConnectionLost, &ask).message)
    end
    @redis.finish_loading
    c.push("echo", 3)
    assert_equal [[3]], call("LRANGE", Q, "0", "-1").map { |job| JSON.parse(job)[1] }
  end

  def test_a_call_waits_for_its_inbox_until_redis_has_loaded
    echo_worker
    @redis.restart_loading
    _, answer = waiting_call(timeout: 30)
    @redis.finish_loading
    assert_equal 1, answer.value
  end

  def test_a_call_that_may_wait_no_longer_says_that_redis_is_away
    @redis.restart_loading
    c = client
    assert_match(/cannot serve now: LOADING/, assert_raises(Tempest::ConnectionLost) { c.call("echo", 1, timeout: 0.3) }.message)
    assert_raises(Tempest::ConnectionLost) { c.stream("echo", 1, timeout: 0.3) { nil } }
  end

  def test_a_call_that_waits_for_its_inbox_is_ended_by_close
    @redis.restart_loading
    c, answer = waiting_call(timeout: nil)
    c.close
    assert_kind_of Tempest::ClientClosed, answer.value
  end

  # @return [(Tempest::Client, Thread)] a call whose inbox could not be registered yet
  def waiting_call(timeout:)
    log = StringIO.new
    c = client(logger: Logger.new(log))
    answer = Thread.new { c.call("echo", 1, timeout: timeout) rescue $! }
    Await.until("a try") { log.string.include?("LOADING") }
    [c, answer]
  end

  def test_a_worker_that_starts_meanwhile_waits
    @redis.restart_loading
    log = StringIO.new
    made = Tempest::Worker.new(Q, redis_url: @redis.url, logger: Logger.new(log)).handle("echo") { |arg| arg }
    thread = Thread.new { made.run(signals: false) }
    @endings << -> { made.stop && thread.join(30) }
    Await.until("a try") { log.string.match?(/trying again.*LOADING/) }
    @redis.finish_loading
    assert_equal 1, client.call("echo", 1, timeout: 30)
  end

  def test_an_inbox_that_redis_refuses_to_register_is_tried_anew_by_the_next_call
    call("ACL", "SETUSER", "default", "-fcall", "-function")
    c = client
    assert_equal "NOPERM", assert_raises(Tempest::ServerError) { c.call("echo", 1, timeout: 30) }.code
    call("ACL", "SETUSER", "default", "+@all")
    echo_worker
    assert_equal 1, c.call("echo", 1, timeout: 30)
  end
end

# A master that has become a replica.
class TestReadOnly < RedisTest
  def test_a_push_to_it_says_that_redis_is_away
    c = client
    call("REPLICAOF", "127.0.0.1", "1")
    assert_match(/cannot serve now: READONLY/, assert_raises(Tempest::ConnectionLost) { c.push("echo", 1) }.message)
  ensure
    call("REPLICAOF", "NO", "ONE")
  end
end
