# frozen_string_literal: true

# Takes the jobs of dead processes back into the queue, and tells the callers of those that died with them; one call at a time, so that
# the beat goes on in between. A caller is on record as untold until the next call names its job: should this process die, another tells it.

module Tempest
  # The dead processes of one queue.
  class Reaper
    # A poisoned payload of more bytes is not read for its caller's address: reading it would hold up the beat, and what it does
    # to a process is known by now. One that was merely interrupted is read.
    READABLE = 262_144

    # @yieldparam sentence [String] for the worker's log
    def initialize(line, queue, &log)
      @line = line
      @queue = queue
      @log = log
      @dead = {}
      @told = []
    end

    # @param dead [Array<(String, Integer)>] P and its counter
    def add(dead)
      dead.each { |process, counter| @dead[process] ||= counter }
    end

    def idle?
      @dead.empty?
    end

    # One call for the first of them.
    # @raise [ConnectionLost, ServerError] it is still to be reaped
    def step
      process, counter = @dead.first
      return unless process

      first = end_connections(process)
      moved, left, *untold = @line.fcall("reap", @queue, process, counter, "told", *@told)
      @told = []
      return leave(process) if moved.negative?

      untold.zip(%w[poison interrupted]) { |jobs, code| tell(jobs, code) }
      report(process, moved, first)
      # Callers who cannot be told now are left to whoever observes that they are untold.
      leave(process) unless left.positive? && (moved.positive? || @told.any?)
    end

    # The connection is a new one: what was killed on the old one is looked at again.
    def restart
      @killed = nil
    end

    private

    # @return [Boolean] whether it is the first call for this process
    def end_connections(process)
      return false if @killed == process

      identities = @line.call("SMEMBERS", Keys.connections(@queue, process))
      OldConnections.end_all(@line, process, identities)
      @killed = process
      true
    end

    def leave(process)
      @dead.delete(process)
      @killed = nil
    end

    def report(process, moved, first)
      if moved.positive? || (first && @told.empty?)
        @log.call("#{process} on #{@queue} is dead: #{moved} of its jobs taken back")
      elsif @told.any?
        @log.call("told #{@told.size} callers of jobs that died with #{process} on #{@queue}")
      end
    end

    # @param jobs [Array<String>] the id of a dead record, its payload, and so on
    def tell(jobs, code)
      jobs.each_slice(2) do |record, payload|
        next if code == "poison" && payload.bytesize > READABLE

        @told << record if answer(payload, code)
      end
    end

    # @return [Boolean] whether the caller was told, or there is none
    def answer(payload, code)
      job = Job.read(payload)
      address = job.address
      return true unless address

      address = Address.new(:elsewhere, address.inbox, @queue) if address.kind == :inbox
      Elsewhere.push(@line, address, Answer.error(job, code, Failure::REASONS.fetch(code)).encode)
      true
    rescue Refused, CodecError
      true
    rescue ServerError => e
      @log.call("the caller of a dead job (#{code}) on #{@queue} cannot be told now: #{e.message}")
      false
    end
  end
end
