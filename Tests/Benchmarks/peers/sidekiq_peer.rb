# Sidekiq with hiredis and YJIT, at WARN: a job is gone from Redis when it is fetched.
require "sidekiq"

options = { url: ENV.fetch("PEER_URL"), driver: "hiredis" }
Sidekiq.configure_server do |config|
  config.redis = options
  config.logger.level = Logger::WARN
end
Sidekiq.configure_client { |config| config.redis = options }

STAMPS = File.open(ENV.fetch("STAMPS"), File::WRONLY | File::APPEND)
STAMPS.sync = true
LOCK = Mutex.new
EVERY = 100

class Note
  include Sidekiq::Worker

  @count = 0
  class << self
    attr_accessor :count
  end

  def perform(_)
    LOCK.synchronize do
      Note.count += 1
      STAMPS.syswrite([Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)].pack("Q<")) if (Note.count % EVERY).zero?
    end
  end
end
