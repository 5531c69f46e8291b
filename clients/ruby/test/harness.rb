# frozen_string_literal: true

# What the tests share: a private redis-server, processes that are started and always ended, and waiting for events.

require "minitest/autorun"
require "fileutils"
require "json"
require "rbconfig"
require "tmpdir"
require "timeout"
require "tempest"

# A redis-server on a unix socket in a folder of its own, one for the whole run.
class PrivateRedis
  attr_reader :url, :folder, :pid

  def self.shared
    @shared ||= new.tap { |server| Minitest.after_run { server.stop } }
  end

  def initialize(*options)
    @folder = Dir.mktmpdir("tempest-ruby")
    @options = options
    @url = "unix://#{@folder}/redis.sock"
    start
  end

  def start
    launch
    Await.until("redis-server") { connection.call("PING") rescue nil }
  end

  # Returns before it answers.
  def launch(*more)
    @pid = Process.spawn("redis-server", "--port", "0", "--unixsocket", "#{@folder}/redis.sock", "--dir", @folder, "--save", "", *@options, *more,
                         %i[out err] => File.join(@folder, "log"))
  end

  def connection
    @connection ||= Tempest::Connection.new(@url, blocking: 30)
  end

  def call(*command) = connection.call(*command)

  def kill
    Process.kill("KILL", @pid)
    Process.wait(@pid)
  end

  def stop
    kill
    FileUtils.rm_rf(@folder)
  end
end

# Waiting for events, never for a time to pass.
module Await
  def self.until(what, seconds = 30)
    over = Tempest.now + seconds
    loop do
      found = yield
      return found if found
      raise "waited #{seconds} s for #{what}" if Tempest.now > over

      sleep 0.01
    end
  end
end

# A program with its standard error in a file.
class Program
  attr_reader :pid

  def initialize(redis, *command)
    @log = File.join(redis.folder, "program-#{SecureRandom.hex(4)}.log")
    @pid = Process.spawn({ "REDIS_URL" => redis.url }, *command, %i[out err] => @log)
    @status = nil
  end

  def log = File.read(@log)

  def wait_for(text)
    Await.until("#{text.inspect} in:\n#{log}") { log.include?(text) || (ended? && raise("ended early:\n#{log}")) }
    self
  end

  # @return [Array<Integer>] the processes that it started
  def children = Dir["/proc/#{@pid}/task/*/children"].flat_map { |file| File.read(file).split.map(&:to_i) }

  def signal(name) = Process.kill(name, @pid)

  def ended?
    @status ||= Process.wait2(@pid, Process::WNOHANG)&.last
  end

  # @return [Process::Status]
  def wait = Await.until("the end of #{@pid}:\n#{log}") { ended? }

  def kill
    return if ended?

    signal("KILL")
    @status = Process.wait2(@pid).last
  end
end

# A test with the shared Redis, flushed, and a queue's view of it.
class RedisTest < Minitest::Test
  LIBRARY = File.expand_path("../lib", __dir__)
  Q = "q"

  def setup
    @redis = PrivateRedis.shared
    @redis.call("FLUSHALL")
    @endings = []
  end

  def teardown
    @endings.reverse_each(&:call)
  end

  def client(**options)
    Tempest::Client.new(queue: Q, redis_url: @redis.url, **options).tap { |made| @endings << -> { made.close } }
  end

  # A worker in this process, which runs until the end of the test.
  def worker(queues = Q, **options)
    log = StringIO.new
    made = Tempest::Worker.new(queues, redis_url: @redis.url, logger: Logger.new(log), **options)
    yield made
    thread = Thread.new { made.run(signals: false) }
    thread.report_on_exception = false
    @endings << lambda do
      made.stop
      thread.join(30) || raise("the worker does not stop:\n#{log.string}")
    end
    Await.until("the worker:\n#{log.string}") { log.string.include?("tempest worker ready") || (thread.status.nil? && thread.join) }
    log
  end

  # A worker in a process of its own, from Ruby source that has `worker`.
  def worker_process(source, options = "")
    script = <<~RUBY
      require "tempest"
      worker = Tempest::Worker.new("#{Q}"#{options.empty? ? '' : ", #{options}"})
      #{source}
      worker.run
    RUBY
    program(RbConfig.ruby, "-I", LIBRARY, "-e", script).wait_for("tempest worker ready")
  end

  def program(*command)
    Program.new(@redis, *command).tap { |made| @endings << -> { made.kill } }
  end

  def call(*command) = @redis.call(*command)
  def processes = call("HKEYS", "{#{Q}}:!procs")
  def counts = call("HGETALL", "{#{Q}}:!counts").each_slice(2).to_h.transform_values(&:to_i)

  # What a process holds, without its counters.
  def held(process) = call("HGETALL", "{#{Q}}:!run:#{process}").each_slice(2).to_h.reject { |field, _| %w[# @ !].include?(field) }

  def dead
    call("XRANGE", "{#{Q}}:!dead", "-", "+").map { |_, fields| fields.each_slice(2).to_h }
  end
end
