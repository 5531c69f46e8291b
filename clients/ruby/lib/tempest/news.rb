# frozen_string_literal: true

# The subscription of the beat process: what others publish on the channels of its queues and on the operators' channel.
# Best effort by nature: whatever is missed here is learnt with the next tick, or by asking after a new subscription.

require "json"

module Tempest
  # A thread that subscribes, and again whenever the connection breaks.
  class News
    # Messages of more bytes are no news of ours.
    LONGEST = 1024
    # Messages that wait to be read at most; then they count as missed.
    MOST = 10_000

    # @return [IO] readable when something came
    attr_reader :signal

    # @param queues [Array<String>]
    def initialize(url, queues)
      @url = url
      place = RedisURL.new(url)
      @user = place.user
      @control = Keys.control(place.database)
      @channels = queues.to_h { |queue| [Keys.news(queue, place.database), queue] }
      @queue = Thread::Queue.new
      @signal, @ring = IO.pipe
      @backoff = Backoff.new
      @thread = Thread.new { loop { subscribe } }
    end

    # @return [Array<(Symbol, String)>] `[:subscribed, nil]` after each subscription, `[:deaf, why]` where Redis
    #   refuses it (once), `[:news, [queue, text]]`, `[:control, text]`
    def take
      @signal.read_nonblock(65_536)
      Array.new(@queue.size) { @queue.pop }
    rescue IO::WaitReadable
      []
    end

    private

    def subscribe
      redis = ::Redis.new(**RedisURL.usable(@url).options, **News.keepalive(@url), reconnect_attempts: 0, connect_timeout: Connection::TIMEOUT)
      redis.subscribe(*@channels.keys, @control) do |on|
        on.subscribe { |_, count| subscribed if count == @channels.size + 1 }
        on.message { |channel, text| heard(channel, text) }
      end
    rescue ::Redis::CommandError => e
      post(:deaf, Connection.server_error(e.message, @user).message) unless @deaf
      @deaf = true
    rescue *Connection::NETWORK_ERRORS, ::Redis::BaseError
      nil
    ensure
      redis&.close
      sleep(@backoff.next)
    end

    def subscribed
      @backoff.reset
      @deaf = false
      post(:subscribed, nil)
    end

    def heard(channel, text)
      return if text.bytesize > LONGEST || @queue.size >= MOST

      queue = @channels[channel]
      queue ? post(:news, [queue, text]) : post(:control, text)
    end

    def post(kind, subject)
      @queue << [kind, subject]
      @ring.write_nonblock(".", exception: false)
    end

    # A subscription sends nothing: only the system finds out that the other end is gone. redis 5 asks for that by itself.
    def self.keepalive(url)
      RedisURL.new(url).socket.nil? && ::Redis::VERSION.start_with?("4.") ? { tcp_keepalive: 30 } : {}
    end
  end
end
