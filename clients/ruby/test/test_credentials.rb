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

  def test_an_error_names_what_was_read
    { "REDIS_URL" => "REDIS_URL", "REDISCLOUD_URL" => "REDISCLOUD_URL", nil => "the URL of Redis" }.each do |variable, name|
      { url(":wrong@") => "the password in #{name}", "redis://127.0.0.1:1" => "Check #{name}" }.each do |wrong, says|
        with_environment(variable ? { variable => wrong } : {}) do
          client = variable ? Tempest::Client.new(patience: 0) : Tempest::Client.new(redis_url: wrong, patience: 0)
          assert_includes assert_raises(Tempest::Error) { client.push("a") }.message, says
          client.close
        end
      end
    end
  end

  def test_the_password_of_services_of_2012_counts_alone_where_redis_does_not_know_their_user
    @redis.call("CONFIG", "SET", "requirepass", "sesame")
    stranger = url("redistogo:sesame@")
    # A supervisor hands it on as REDIS_URL.
    worker = with_environment("REDISTOGO_URL" => stranger) do
      Program.new(@redis, RbConfig.ruby, "-I", RedisTest::LIBRARY, "-e", SOURCE, stranger, @redis.folder)
    end
    worker.wait_for("tempest worker ready")
    [{ "REDISTOGO_URL" => stranger }, { "REDISCLOUD_URL" => stranger }, { "REDIS_URL" => stranger, "REDISTOGO_URL" => stranger }].each do |variables|
      with_environment(variables) do
        client = Tempest::Client.new(queue: "q")
        2.times { assert_equal "done", client.call("slow", timeout: 20) }
        client.close
      end
    end
    with_environment("REDISTOGO_URL" => url("me:mine@")) { Tempest::Client.new.tap { |client| client.push("a") }.close }
    with_environment("REDISTOGO_URL" => url("me:wrong@")) do
      client = Tempest::Client.new
      assert_match(/WRONGPASS.*REDISTOGO_URL/, assert_raises(Tempest::ServerError) { client.push("a") }.message)
      client.close
    end
  ensure
    worker&.kill
  end

  # Runs the block with these variables and no others that name a Redis.
  def with_environment(variables)
    before = Tempest::RedisURL::VARIABLES.to_h { |name| [name, ENV.fetch(name, nil)] }
    ENV.update(before.transform_values { nil }.merge(variables))
    yield
  ensure
    ENV.update(before)
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
