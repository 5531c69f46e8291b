# frozen_string_literal: true

# What a handler may know of its job besides the arguments, and how it sends answers before the last one.

module Tempest
  # Given to handlers that were registered with `context: true`.
  class Context
    # Bytes of answers before the last after which what was sent is collected.
    SWEEP = 8 * 1024 * 1024

    # @return [String] the action, as the job names it
    attr_reader :action
    # @return [String, Integer]
    attr_reader :job_id
    # @return [Hash] the job's meta; empty if there is none
    attr_reader :meta
    # @return [String] the queue and the level it came from
    attr_reader :queue, :level
    # @return [String] the name of the job's codec
    attr_reader :codec
    # @return [Integer] answers sent so far
    attr_reader :sent
    # @return [String, nil] where the job's answers go, as {Client#tell} takes it
    attr_reader :respond_to
    # @return [String] the name of the codec in which it is answered
    attr_reader :answer_codec
    # @return [Session, nil] that of the browser for which a front asks; nil if there is none
    attr_reader :session

    # @param sender [Connection] shared by all handlers
    # @param timeout [Numeric, nil] seconds that a run may take, unless the job says so itself
    # @param direct [DirectSender, nil]
    def initialize(job, claim, address, sender, timeout = nil, direct = nil)
      @direct = direct
      @action = job.action
      @job_id = job.job_id
      @meta = job.meta
      @codec = job.codec.name
      @queue = claim.station.queue
      @level = claim.level
      @job = job
      @claim = claim
      @address = address
      @sender = sender
      @sent = 0
      @unswept = 0
      @respond_to = job.respond_to
      @answer_codec = job.answer_codec.name
      @session = Session.new(@meta["session"], sender) if Session.id?(@meta["session"])
      @flow = Flow.new(@meta["credits"], check: method(:check)) { used }
      own = job.number("timeout")
      timeout = own / 1000.0 if own
      @limit = timeout && (Tempest.now + timeout)
    end

    # @return [Integer] which attempt this is, from 1 on
    def attempt
      @job.attempt
    end

    # @return [Boolean] whether to stop: the job was cancelled, has run for longer than it may, or was given to another process
    def cancelled?
      @claim.cancelled? || lost? || timed_out?
    end

    # @return [Float, nil] seconds that the job may still run, 0 when they are over: for the time-outs of what the handler
    #   waits for; nil: there is no limit
    def remaining
      @limit && [@limit - Tempest.now, 0.0].max
    end

    # @return [Boolean] whether the job has run for longer than it may
    def timed_out?
      !@limit.nil? && Tempest.now >= @limit
    end

    # Ends the handler by an error if it is to stop. Nothing else does: a thread of Ruby cannot be ended from outside without
    # leaving half-done work behind, so a handler that may take long calls this between its steps.
    #
    # @return [void]
    # @raise [ClaimLost, Cancelled, TimedOut]
    def check
      raise ClaimLost, "the job #{@job_id} was given to another process" if lost?
      raise Cancelled, "the job #{@job_id} was cancelled" if @claim.cancelled?
      raise TimedOut, "the job #{@job_id} ran for longer than it may" if timed_out?
    end

    # Sends one answer that is not the last; returns once Redis has it. Without a caller it does nothing.
    #
    # Where the caller counts what it holds (`credits` in meta) this waits until it has room for one more.
    #
    # @param values [Array] any values, the elements of the answer; or one {Elements}
    # @return [void]
    # @raise [ClaimLost] the job is no longer this worker's: stop working on it
    # @raise [CodecError] a value cannot be written in the job's codec
    # @raise [CallerStalled] the caller has used nothing for 30 seconds
    # @raise [Cancelled, TimedOut] the job is to end, and there was no room
    def send_answer(*values)
      raise ClaimLost, "the job #{@job_id} was given to another process" if lost?
      return unless @address

      @flow.wait(@sent)
      meta = { "more" => true }.merge(place)
      args = values.size == 1 ? Elements.args(values.first) : values
      answer = Answer.new(action: @action, job_id: @job_id, args: args, meta: meta, codec: @job.answer_codec)
      bytes = encoded(answer)
      deliver(bytes)
      @sent += 1
      sweep(bytes.bytesize)
    end

    # @return [Boolean] whether the job was given to another process meanwhile; what this one answers is dropped
    def lost?
      @claim.lost?
    end

    # @return [CodecError, nil] why an answer before the last could not be written; tells it from one that the handler met in bytes of its own
    # @api private
    attr_reader :refused

    # @return [Hash] the meta that ties this job's answers together; empty as long as there is only one
    def last_meta
      @sent.zero? ? {} : place
    end

    private

    # How many answers its caller says to have used. It counts on the queue where it listens.
    def used
      @sender.fcall("credits", @address.kind == :elsewhere ? @address.queue : @queue, @job_id).to_i
    end

    # The collector counts bytes late: of a long stream it would leave a hundred megabytes of sent pieces lying about, and the process
    # would keep the room. All of them are young, so that a small collection is enough.
    def sweep(bytes)
      @unswept += bytes
      return if @unswept < SWEEP

      @unswept = 0
      GC.start(full_mark: false)
    end

    def encoded(answer)
      answer.encode
    rescue CodecError => e
      @refused = e
      raise
    end

    def place
      { "seq" => @sent, "token" => @claim.token }
    end

    # An answer that goes out twice has the same place both times, and the caller keeps one: repeating is harmless.
    def deliver(bytes)
      backoff = Backoff.new
      begin
        sent = push(bytes)
      rescue Fenced
        sent = 0
      rescue ConnectionLost, ServerError => e
        raise if e.is_a?(ServerError) && !e.full?
        raise ClaimLost, "the job #{@job_id} was given to another process" if lost?

        sleep(backoff.next)
        retry
      end
      return unless sent.zero?

      @claim.lose
      raise ClaimLost, "the job #{@job_id} was given to another process"
    end

    def push(bytes)
      return @sender.fcall("chunk", @queue, @claim.process, @claim.field, @address.inbox, bytes) if @address.kind == :inbox
      return @direct.tell(@address, @claim, bytes) ? 1 : 0 if @address.kind == :direct

      held = @sender.call("HEXISTS", Keys.run(@queue, @claim.process), @claim.field)
      return 0 unless [1, true].include?(held)

      Elsewhere.push(@sender, @address, bytes)
      1
    end
  end
end
