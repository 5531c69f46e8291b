# frozen_string_literal: true

# A worker that is to stop while Redis is away, or hangs, ends in time: with its grace, and without anything to do within seconds.

require_relative "harness"

class TestStopping < Minitest::Test
  SOURCE = <<~RUBY
    require "tempest"
    worker = Tempest::Worker.new(%w[q p], concurrency: 2, grace: Float(ARGV[0]))
    worker.handle("deaf") { |seconds| sleep(seconds); "done" }
    worker.run
  RUBY

  def setup = @redis = PrivateRedis.new

  def teardown
    Process.kill("CONT", @redis.pid) if @hangs
    @worker&.kill
    @redis.stop unless @away
    FileUtils.rm_rf(@redis.folder)
  end

  def start(grace)
    @worker = Program.new(@redis, RbConfig.ruby, "-I", RedisTest::LIBRARY, "-e", SOURCE, grace.to_s).wait_for("tempest worker ready")
  end

  def take_away(how)
    how == :gone ? @redis.kill : Process.kill("STOP", @redis.pid)
    @away = how == :gone
    @hangs = how == :hangs
  end

  def ends_within(seconds)
    began = Tempest.now
    @worker.signal("TERM")
    Await.until("the end", seconds) { @worker.ended? }
    Tempest.now - began
  end

  %i[gone hangs].each do |how|
    define_method("test_a_worker_with_nothing_to_do_ends_within_seconds_when_redis_#{how}") do
      start(60)
      take_away(how)
      ends_within(30)
    end

    define_method("test_a_worker_at_work_ends_with_its_grace_when_redis_#{how}") do
      start(3)
      [1, 60].each { |seconds| @redis.call("RPUSH", "q", JSON.generate(["deaf", [seconds], nil, seconds.to_s])) }
      Await.until("both to begin") { @redis.call("HGET", "{q}:!counts", "claimed") == "2" }
      take_away(how)
      assert_operator ends_within(30), :>, 2.9
    end
  end
end
