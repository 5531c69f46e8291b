# frozen_string_literal: true

# A Redis that does not let somebody in says so at once to those who cannot wait; whoever is at work waits for it to be set right.

require_relative "harness"

class TestCredentials < Minitest::Test
  SOURCE = <<~RUBY
    require "tempest"
    url, go = ARGV
    worker = Tempest::Worker.new("q", redis_url: url, concurrency: 2, lease: 60)
    worker.handle("slow") { sleep(0.01) until File.exist?(go); "done" }
    worker.run
  RUBY

  def setup
    @redis = PrivateRedis.new
    @redis.call("ACL", "SETUSER", "me", "on", ">mine", "~*", "&*", "+@all")
  end

  def teardown
    @redis.stop
  end

  def url(user = "", query = "") = "unix://#{user}#{@redis.url.delete_prefix('unix://')}#{query}"

  def check(url)
    worker = Tempest::Worker.new("q", redis_url: url, logger: Logger.new(IO::NULL))
    worker.handle("a") { 1 }
    assert_raises(Tempest::ServerError, url) { Timeout.timeout(20) { worker.run(signals: false) } }
    client = Tempest::Client.new(queue: "q", redis_url: url)
    assert_raises(Tempest::ServerError, url) { client.push("a") }
    began = Tempest.now
    assert_raises(Tempest::ServerError, url) { client.call("a", timeout: 20) }
    assert_operator Tempest.now - began, :<, 5
  ensure
    client&.close
  end

  def test_whoever_is_not_let_in_learns_it_at_once
    ["me:wrong@", "nobody:mine@", ":password@"].each { |user| check(url(user)) }
    # From here on even the default user needs one.
    @redis.call("CONFIG", "SET", "requirepass", "right")
    ["", ":wrong@", "me:wrong@"].each { |user| check(url(user)) }
    # The gem redis 4.8 itself tries the password of a user that is refused as the default user's, and warns.
    check(url("me:right@")) if Gem::Version.new(::Redis::VERSION) >= Gem::Version.new("5")
  end

  def test_a_database_that_is_not_there_is_refused_at_once
    check(url("", "?db=99"))
  end

  def test_a_caller_without_the_right_to_listen_learns_it_at_once_and_may_get_it
    @redis.call("ACL", "SETUSER", "caller", "on", "nopass", "~*", "&*", "+@all", "-fcall")
    client = Tempest::Client.new(queue: "q", redis_url: url("caller:x@"))
    error = assert_raises(Tempest::ServerError) { client.call("a", timeout: 20) }
    assert_match(/\ANOPERM .*fcall/, error.message)
    @redis.call("ACL", "SETUSER", "caller", "+fcall")
    assert_raises(Tempest::CallTimeout) { client.call("a", timeout: 1) }
  ensure
    client.close
  end

  def test_a_password_that_is_exchanged_under_a_worker_loses_nothing
    go = File.join(@redis.folder, "go")
    worker = Program.new(@redis, RbConfig.ruby, "-I", RedisTest::LIBRARY, "-e", SOURCE, url("me:mine@"), go)
    worker.wait_for("tempest worker ready")
    client = Tempest::Client.new(queue: "q", redis_url: @redis.url)
    call = Thread.new { client.call("slow", timeout: 60) }
    client.push("slow")
    Await.until("both to begin") { @redis.call("HGET", "{q}:!counts", "claimed") == "2" }
    @redis.call("ACL", "SETUSER", "me", "resetpass", ">another")
    @redis.call("CLIENT", "KILL", "USER", "me")
    FileUtils.touch(go)
    worker.wait_for("WRONGPASS")
    assert_predicate call, :alive?
    @redis.call("ACL", "SETUSER", "me", ">mine")
    assert_equal "done", call.value
    Await.until("both to be settled") { @redis.call("HGET", "{q}:!counts", "settled") == "2" }
    assert_equal 0, @redis.call("EXISTS", "{q}:!dead")
  ensure
    client&.close
    worker&.kill
  end
end
