# frozen_string_literal: true

# What a worker says of itself, for people and their tools: its record among the nodes, and the note that goes along with its
# ticks. Nothing of the protocol depends on it.

require "socket"

module Tempest
  # One running worker, as others see it.
  class Node
    # Running jobs that a note names.
    OLDEST = 20

    # @return [String] `<name>.<ULID>`, new for every start
    attr_reader :id

    # @param name [String]
    # @param concurrency [Integer]
    # @param clock [RedisClock]
    def initialize(name, concurrency, clock, logger)
      @id = ProcessName.fresh(name)
      @name = name
      @concurrency = concurrency
      @clock = clock
      @logger = logger
      @written = nil
    end

    # Writes the record if it is not what was written last; a Redis that is full gets it later.
    #
    # @param state [String] running, quiet or stopping
    # @param stations [Array<Station>]
    # @return [void]
    # @raise [ConnectionLost]
    def write(line, state, stations)
      @started ||= @clock.now
      record = { name: @name, kind: "worker", language: "ruby", version: VERSION, host: Socket.gethostname, pid: Process.pid,
                 started: @started, concurrency: @concurrency,
                 queues: stations.to_h { |station| [station.queue, station.process] }, state: state }
      return if record == @written

      line.call("SADD", Keys::QUEUES, *stations.map(&:queue))
      line.call("HSET", Keys::NODES, @id, JSONLine.of(record))
      @written = record
    rescue ServerError => e
      return if e.full?

      # A user without that right works all the same.
      @written = record
      return if @refusal == e.message

      @refusal = e.message
      @logger.warn(LogLine.of("this worker is not on record for `tempest workers`", error: e.message))
    end

    # @raise [ConnectionLost]
    def remove(line)
      line.call("HDEL", Keys::NODES, @id) if @written
    rescue ServerError => e
      @logger.debug("this node's record stays: #{e.message}")
    end

    # @param claims [Array<Claim>] that run
    # @return [String] JSON on one line: the oldest running jobs, `[job id, action, level, started ms]` each, and how many run
    def self.note(claims)
      begun = claims.select(&:begun)
      oldest = begun.min_by(OLDEST, &:begun).map { |claim| [claim.job_id, claim.action, claim.level, claim.begun] }
      JSONLine.of(running: oldest, count: begun.size)
    end
  end
end
