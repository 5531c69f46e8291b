# frozen_string_literal: true

# One connection to Redis, with the errors of the protocol made of Redis' replies. It never repeats a command by
# itself: whoever sent it knows whether that is harmless. Works with the gem redis from 4.8 on, 5 included.

require "monitor"
require "openssl"
require "rbconfig"
begin
  require "redis"
rescue LoadError => e
  raise unless e.path == "redis"

  raise LoadError, "tempest needs the gem redis, which this Ruby (#{RbConfig.ruby}) does not have. " \
                   "Debian, Ubuntu (for /usr/bin/ruby): sudo apt install ruby-redis. Anywhere: gem install redis"
end
require_relative "redis_url"
require_relative "rights"

module Tempest
  # A connection that many threads may use, one command at a time.
  class Connection
    # Seconds for connecting, and for a reply beyond what a blocking command waits by itself.
    TIMEOUT = 5.0
    # After so many seconds without use a connection is tried with PING before something is sent that must not go twice.
    STALE = 1.0
    # The first words of errors of a Redis that is there and cannot serve now: to connect anew and to try later is all that helps.
    NOT_NOW = %w[LOADING READONLY MASTERDOWN CLUSTERDOWN TRYAGAIN BUSY MISCONF NOREPLICAS].freeze
    # What Redis says to a connection whose user, password or database it refuses.
    NOT_LET_IN = /\A(?:NOAUTH |WRONGPASS |ERR (?:AUTH |invalid password|invalid DB index|DB index))/
    # Of the gem redis 5 too, which hands on those of redis-client while it is subscribed.
    NETWORK_ERRORS = [::Redis::BaseConnectionError, SystemCallError, SocketError, IOError, OpenSSL::OpenSSLError,
                      *(::RedisClient::Error if defined?(::RedisClient::Error))].freeze

    # @return [String] the address without its password, for messages
    attr_reader :place

    # @return [Integer] the number of the database
    def database = @where.database

    # @param url [String] as docs/redis-url.md has it
    # @param blocking [Numeric] seconds that this connection's blocking commands wait at most
    # @param at_once [Boolean] whether not to be let in is a {ServerError}, for those who do not try again later
    def initialize(url, blocking: 0, at_once: false)
      @at_once = at_once
      @where = RedisURL.usable(url)
      @options = { connect_timeout: TIMEOUT, read_timeout: TIMEOUT + blocking, write_timeout: TIMEOUT, reconnect_attempts: 0 }
      @place = @where.place
      @lock = Monitor.new
      @redis = nil
      @connects = 0
      @used = 0
    end

    # @return [Integer] the number of the connection by which the next command goes: another one may lead to a Redis that has forgotten
    #   what it said on the one before
    def number
      @lock.synchronize do
        redis
        @connects
      end
    end

    # Sends one command.
    #
    # @return [Object] the reply; its strings are ASCII-8BIT
    # @raise [ConnectionLost] the command may or may not have been carried out; Redis is away, or cannot serve now
    # @raise [NotLetIn] a ConnectionLost, too
    # @raise [Fenced, Resync, ServerError] Redis' own errors
    def call(*command)
      @lock.synchronize do
        reply = redis.call(*command)
        @used = Tempest.now
        user_was_lost if @alone
        raise reply if reply.is_a?(::Redis::CommandError)

        Connection.binary(reply)
      end
    rescue ::Redis::CommandError => e
      retry if try_without_user(e.message)
      raise error(e.message)
    rescue *NETWORK_ERRORS, ::Redis::BaseError => e
      retry if try_without_user(e.message)
      # The gem redis 5 says so some of what Redis has answered.
      raise error(e.message) if e.message.match?(NOT_LET_IN) || NOT_NOW.include?(e.message[/\A\S+/])

      close
      raise ConnectionLost, lost(command, e)
    end

    # @return [String] what is wrong, and what to do
    def lost(command, error)
      why = error.message.delete_suffix(".")
      if error.is_a?(::Redis::CannotConnectError)
        return "cannot connect to Redis at #{@place}: #{why}. Is redis-server running there? Check #{@where.origin}"
      end

      words = command.first(2).map(&:to_s)
      "the connection to Redis at #{@place} broke, and #{words.first == 'FCALL' ? words.last : words.first} may or may not have been carried " \
        "out: #{why}"
    end
    private :lost

    # Nothing was carried out by a connection that was not let in. The gem redis 4 tries the password alone by itself.
    def try_without_user(message)
      return false if @alone || !message.start_with?("WRONGPASS") || !@where.may_lose_user?

      close
      @alone = true
    end
    private :try_without_user

    def user_was_lost
      @alone = false
      @where.lose_user
    end
    private :user_was_lost

    # Sends commands of which all are carried out or none.
    #
    # @param commands [Array<Array>]
    # @return [Array] the replies
    # @raise [ConnectionLost, ServerError] as {call}
    def atomically(*commands)
      @lock.synchronize do
        begin
          call("MULTI")
          commands.each { |command| call(*command) }
        rescue ServerError
          # Without this the connection would collect commands for ever; a new one has forgotten them.
          close
          raise
        end
        call("EXEC").each { |reply| raise error(reply.message) if reply.is_a?(StandardError) }
      end
    end

    # Calls a function of the library, and loads the library if Redis has lost it.
    #
    # @param name [String] without `tempest1_`
    def fcall(name, queue, *args)
      loaded = false
      begin
        call("FCALL", "tempest1_#{name}", "1", queue, *args.map(&:to_s))
      rescue ServerError => e
        raise if loaded || !e.message.match?(/function not found/i)

        loaded = true
        Functions.ensure_loaded(self)
        retry
      end
    end

    # Says that P lives, and in which database: the functions cannot know on whose channel the queue's news are heard.
    #
    # @param words [Array<String>] what else it says of itself
    # @return [Array<String>] P's connections that it did not name
    def hello(queue, process, mode, *words)
      fcall("hello", queue, process, mode, "database/#{database}", *words).drop(1)
    end

    # Makes sure that a connection which was idle for long still stands, so that the next command goes out once.
    def freshen
      return if @redis.nil? || Tempest.now - @used < STALE

      ping
    rescue ConnectionLost
      ping
    end

    # Makes sure that Redis serves, by this connection or a new one, so that the next command goes out once.
    #
    # @raise [ConnectionLost] it is away, or cannot serve now
    # @raise [ServerError] it refuses the user, the password or the database, of a connection made `at_once`
    def greet
      @redis.nil? ? ping : freshen
    end

    def ping
      call("PING")
    rescue ServerError => e
      raise unless e.code == "NOPERM" # an answer all the same
    end
    private :ping

    # @return [String, nil] `run_id/client id` of this connection; nil if this user may not ask for it
    def identity
      info = call("INFO", "server")
      "#{info[/^run_id:(\h+)/, 1]}/#{call('CLIENT', 'ID')}"
    rescue ServerError
      nil
    end

    # From the next connection on a reply, and the connection itself, may take no longer.
    # @param seconds [Numeric]
    def hurry(seconds)
      @options.update(connect_timeout: seconds, read_timeout: seconds, write_timeout: seconds)
    end

    def close
      @lock.synchronize do
        @redis&.close
        @redis = nil
      end
    rescue *NETWORK_ERRORS, ::Redis::BaseError
      @redis = nil
    end

    def redis
      @redis ||= begin
        @connects += 1
        ::Redis.new(**(@alone ? @where.options(alone: true) : @where.options), **@options)
      end
    rescue SystemCallError, OpenSSL::OpenSSLError => e
      raise ConnectionLost, "the files of the Redis URL cannot be used: #{e.message}"
    end
    private :redis

    # A Redis that cannot serve now is left: a master that has become a replica stays one, and the next connection perhaps leads to the new
    # master.
    #
    # @return [ConnectionLost, ServerError] what Redis' message says
    def error(message)
      return not_let_in(message) if message.match?(NOT_LET_IN)
      return Connection.server_error(message, @where.user) unless NOT_NOW.include?(message[/\A\S+/])

      close
      ConnectionLost.new("Redis at #{@place} cannot serve now: #{message}")
    end
    private :error

    def not_let_in(message)
      close
      @alone = false
      message = "#{message.delete_suffix('.')}. Check the user and the password in #{@where.origin}" unless message.include?("DB index")
      @at_once ? ServerError.new(message) : NotLetIn.new(message)
    end
    private :not_let_in

    # @param user [String, nil] who was refused; nil: the default user
    # @return [ServerError] of the kind that Redis' message begins with; a right that is missing is NOPERM, also where a function met it
    def self.server_error(message, user = nil)
      missing = Rights.denial(message, user)
      return ServerError.new("NOPERM #{missing}") if missing

      case message
      when /\AFENCED / then Fenced.new(message)
      when /\ARESYNC / then Resync.new(message)
      when /\A(?:MOVED|ASK) /
        ServerError.new("#{message}: this is a Redis Cluster, whose redirections Tempest does not follow; " \
                        "give the URL of a Redis that has all keys")
      else ServerError.new(message)
      end
    end

    # Payloads are bytes, whatever encoding the gem gives them.
    def self.binary(reply)
      case reply
      when String then reply.frozen? ? reply.b : reply.force_encoding(Encoding::BINARY)
      when Array then reply.map { |element| binary(element) }
      when Hash then reply.flat_map { |key, value| [binary(key), binary(value)] }
      else reply
      end
    end
  end

  # @return [Float] seconds of a clock that never jumps
  def self.now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end
