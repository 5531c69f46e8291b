# frozen_string_literal: true

# URLs, and what Redis' errors become.

require_relative "harness"

class TestConnection < RedisTest
  def test_a_url_that_is_wrong_is_refused_before_anything_is_sent
    ["http://h", "redis://h/abc", "rediss://h?servername=x"].each do |url|
      assert_raises(ArgumentError, url) { Tempest::Connection.new(url) }
      assert_raises(ArgumentError, url) { Tempest::Client.new(redis_url: url) }
      assert_raises(ArgumentError, url) { Tempest::Worker.new(Q, redis_url: url) }
    end
  end

  def test_a_database_other_than_the_first
    other = Tempest::Connection.new("#{@redis.url}?db=5")
    other.call("SET", "k", "v")
    assert_nil call("GET", "k")
    assert_equal "v", other.call("GET", "k")
    other.close
  end

  def test_passwords_are_not_shown
    assert_equal "localhost:1", Tempest::Connection.new("redis://user:secret@localhost:1/2").place
    error = assert_raises(Tempest::ConnectionLost) { Tempest::Connection.new("redis://:secret@127.0.0.1:1").call("PING") }
    refute_includes error.message, "secret"
  end

  def test_a_connection_that_cannot_be_made_and_one_that_broke_say_what_to_do
    error = assert_raises(Tempest::ConnectionLost) { Tempest::Connection.new("redis://127.0.0.1:1").call("PING") }
    assert_match(/\Acannot connect to Redis at 127\.0\.0\.1:1: .*[^.]\. Is redis-server running there\? Check the URL of Redis\z/, error.message)
    line = Tempest::Connection.new(@redis.url)
    id = line.call("CLIENT", "ID")
    asking = Thread.new { assert_raises(Tempest::ConnectionLost) { line.call("BLPOP", "nothing", "5") } }
    Await.until("it to wait") { call("CLIENT", "LIST", "ID", id.to_s).include?("flags=b") }
    call("CLIENT", "KILL", "ID", id.to_s)
    assert_match(/\Athe connection to Redis at .* broke, and BLPOP may or may not have been carried out: /, asking.value.message)
    assert_includes line.send(:lost, %w[FCALL tempest1_delay 1 q], Redis::TimeoutError.new("slow")), "and tempest1_delay may or may not"
  ensure
    line&.close
  end

  def test_replies_are_bytes
    call("SET", "k", "é\xFF".b)
    assert_equal "é\xFF".b, call("GET", "k")
    assert_equal Encoding::BINARY, call("GET", "k").encoding
  end

  def test_errors_of_the_functions_have_classes_of_their_own
    Tempest::Functions.ensure_loaded(@redis.connection)
    assert_raises(Tempest::Fenced) { @redis.connection.fcall("beat", Q, "nobody") }
    @redis.connection.fcall("hello", Q, "p", "new")
    assert_equal 0, assert_raises(Tempest::Resync) { @redis.connection.fcall("claim", Q, "p", 7, 1, 1, "default") }.last
    assert_equal "BADARG", assert_raises(Tempest::ServerError) { @redis.connection.fcall("claim", Q, "p", 0, 1, 1, "default") }.code
  end

  def test_a_worker_that_may_not_call_functions_says_so_and_ends
    worker = Tempest::Worker.new(Q, redis_url: @redis.url, logger: Logger.new(IO::NULL)).handle("a") { 1 }
    call("ACL", "SETUSER", "default", "-fcall", "-function")
    error = assert_raises(Tempest::ServerError) { worker.run(signals: false) }
    assert_equal "NOPERM", error.code
  ensure
    call("ACL", "SETUSER", "default", "+@all")
  end

  # Functions run on at the maxmemory; a parked BLMOVE does not, and the worker's claims take its place.
  def test_a_full_redis_still_drains
    worker { |w| w.handle("echo") { |arg| arg } }
    call("RPUSH", Q, '["echo",[0],"box","i"]')
    call("BLPOP", "{#{Q}}:in:box", "30")
    call("FCALL", "tempest1_pause", "1", Q)
    5.times { |n| call("RPUSH", Q, %(["echo",[#{n}],null,"i#{n}"])) }
    call("RPUSH", Q, '["echo",[6],"box@mail","i6"]')
    call("CONFIG", "SET", "maxmemory", "1")
    assert_equal "OOM", assert_raises(Tempest::ServerError) { call("RPUSH", Q, "x") }.code
    call("FCALL", "tempest1_resume", "1", Q)
    Await.until("the five without an answer elsewhere") { counts["settled"] == 6 }
    assert_equal 0, call("EXISTS", "{mail}:in:box")
    call("CONFIG", "SET", "maxmemory", "0")
    Await.until("the answer that had to wait") { call("LLEN", "{mail}:in:box") == 1 }
    Await.until("its settle") { counts["settled"] == 7 }
  ensure
    call("CONFIG", "SET", "maxmemory", "0")
  end

  def test_an_answer_to_a_key_that_is_no_list_is_dropped_and_the_job_settled
    worker { |w| w.handle("echo") { |arg| arg } }
    call("SET", "{mail}:in:box", "text")
    call("RPUSH", Q, '["echo",[1],"box@mail","i"]')
    Await.until("the settle") { counts["settled"] == 1 }
    assert_equal "text", call("GET", "{mail}:in:box")
  end
end
