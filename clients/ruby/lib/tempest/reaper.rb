# frozen_string_literal: true

# Takes the jobs of dead processes back into the queue, and tells the callers of those that died with them; one call at a time, so that
# the beat goes on in between. A caller is on record as untold until the next call names its job: should this process die, another tells it.
# The call says also when none could be told: else it would look as if their jobs had crashed this process.

module Tempest
  # The dead processes of one queue.
  class Reaper
    # @yieldparam line [Array] for the worker's log: severity, message, fields
    def initialize(line, queue, &log)
      @line = line
      @queue = queue
      @log = log
      @dead = {}
      start_anew
    end

    # @param dead [Array<(String, Integer)>] P and its counter
    def add(dead)
      dead.each { |process, counter| @dead[process] ||= counter }
    end

    def idle?
      @dead.empty?
    end

    # One call for the first of them; none while its callers are being told.
    # @raise [ConnectionLost, ServerError] it is still to be reaped
    def step
      process, counter = @dead.first
      return if process.nil? || @telling&.under_way?

      end_connections(process)
      moved, left, *untold = @line.fcall("reap", @queue, process, counter, "told", *@telling&.words)
      note_told
      return leave(process, 0) if moved.negative?

      @moved = (@moved || 0) + moved
      @telling = Telling.new(@line, @queue, untold) if untold.any?(&:any?)
      leave(process, left) unless @telling || (moved.positive? && left.positive?)
    end

    # The connection is a new one: what was killed on the old one is looked at again.
    def restart
      @killed = nil
    end

    private

    def start_anew
      @killed = nil
      @moved = nil
      @told = 0
      @telling = nil
      @refusal = nil
    end

    def end_connections(process)
      return if @killed == process

      identities = @line.call("SMEMBERS", Keys.connections(@queue, process))
      OldConnections.end_all(@line, process, identities)
      @killed = process
    end

    def note_told
      return unless @telling

      @told += @telling.told.size
      @telling.dead.each { |fields| @log.call("error", "a job is dead", **fields) }
      @refusal = @telling.refusal || @refusal
      @telling = nil
    end

    # @param untold [Integer] how many callers are left to whoever observes
    def leave(process, untold)
      report(process, untold) if @moved
      @dead.delete(process)
      start_anew
    end

    def report(process, untold)
      who = { queue: @queue, process: process }
      if @moved.positive? || (@told + untold).zero?
        @log.call("warning", "a process is dead: its jobs are back in the queue", **who, jobs: @moved)
      end
      @log.call("warning", "told callers of jobs that died with a process", **who, callers: @told) if @told.positive?
      return unless untold.positive?

      @log.call("warning", "callers of jobs that died with a process could not be told; another worker tries again", **who,
                callers: untold, error: @refusal)
    end

    # Tells callers, in a thread: reading what others wrote may take a while, and must not delay a beat.
    class Telling
      # @return [Array<String>] the ids of the dead records of those who were told, or whom nobody can tell; complete when it has ended
      attr_reader :told
      # @return [String, nil] why another one was not told
      attr_reader :refusal
      # @return [Array<Hash>] what the log says of their jobs
      attr_reader :dead

      # @param untold [Array<Array<String>>] those that are dead of poison and those that were interrupted: the id of a dead record, its
      #   payload, and so on
      def initialize(line, queue, untold)
        @line = line
        @queue = queue
        @told = []
        @dead = []
        @thread = Thread.new { tell(untold) }
      end

      # Waits for a moment, so that who asks again and again does not spin.
      def under_way?
        @thread.join(0.01).nil?
      end

      # @return [Array<String>] what the next call of reap says of them
      def words
        @told.empty? ? ["~"] : @told
      end

      private

      def tell(untold)
        untold.zip(%w[poison interrupted]) do |jobs, code|
          jobs.each_slice(2) { |record, payload| @told << record if answer(payload, code) }
        end
      rescue ConnectionLost => e
        @refusal = e.message
      end

      # @return [true]
      def note(job, code)
        @dead << { queue: @queue, action: job.action[0, LogLine::NAME], job_id: job.job_id.to_s[0, LogLine::NAME], reason: code,
                   error: Failure::REASONS.fetch(code) }
        true
      end

      # @return [Boolean] whether the caller was told, or there is none
      def answer(payload, code)
        job = Job.read(payload, single: true)
        address = job.address(DirectRule::ANY)
        # Nodes are answered by workers that may, and by nobody else.
        return note(job, code) if address.nil? || address.kind == :direct

        address = Address.new(:elsewhere, address.inbox, @queue) if address.kind == :inbox
        Elsewhere.push(@line, address, Answer.error(job, code, Failure::REASONS.fetch(code)).encode)
        note(job, code)
      rescue Refused, CodecError
        true
      rescue ServerError => e
        @refusal = e.message
        false
      end
    end
    private_constant :Telling
  end
end
