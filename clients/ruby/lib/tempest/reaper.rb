# frozen_string_literal: true

# Takes the jobs of dead processes back into the queue, one call at a time so that the beat goes on in between. Before it: the
# Observer. After it: other workers, and the callers of what is dead now.

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

      unless @killed == process
        identities = @line.call("SMEMBERS", Keys.connections(@queue, process))
        OldConnections.end_all(@line, process, identities)
        @killed = process
      end
      moved, left, poisoned, interrupted = @line.fcall("reap", @queue, process, counter)
      @dead.delete(process) unless left.positive?
      @killed = nil unless left.positive?
      return if moved.negative?

      @log.call("#{process} on #{@queue} is dead: #{moved} of its jobs taken back#{", #{left} left" if left.positive?}")
      Array(poisoned).each { |payload| answer(payload, "poison") if payload.bytesize <= READABLE }
      Array(interrupted).each { |payload| answer(payload, "interrupted") }
    end

    # The connection is a new one: what was killed on the old one is looked at again.
    def restart
      @killed = nil
    end

    private

    # Best effort: the record of the dead job stays, whatever becomes of its answer.
    def answer(payload, code)
      job = Job.read(payload)
      address = job.address
      return unless address

      address = Address.new(:elsewhere, address.inbox, @queue) if address.kind == :inbox
      Elsewhere.push(@line, address, Answer.error(job, code, Failure::REASONS.fetch(code)).encode)
    rescue Refused, CodecError
      nil
    rescue ServerError => e
      @log.call("the caller of a dead job (#{code}) on #{@queue} is not told: #{e.message}")
    end
  end
end
