# frozen_string_literal: true

# Every error that the library raises. Whoever rescues Tempest::Error catches all of them, and nothing else.

module Tempest
  # What all errors of this library are.
  class Error < StandardError; end

  # Bytes that are not valid in a codec, or a value that a codec cannot write.
  class CodecError < Error
    # @return [Integer, nil] the byte of the input at which it was seen; nil when writing
    attr_reader :offset

    # @param codec [String] the codec's name
    # @param what [String] what is wrong, without the offset
    # @param offset [Integer, nil]
    def initialize(codec, what, offset = nil)
      @offset = offset
      super(offset ? "#{codec}: #{what}, at byte #{offset}" : "#{codec}: #{what}")
    end
  end

  # Bytes that are no job. The reason is one of those of protocol/envelope.md, the message a sentence for the dead set.
  class Refused < Error
    # @return [String] bad_codec, foreign, bad_envelope or bad_address
    attr_reader :reason

    def initialize(reason, sentence)
      @reason = reason
      super(sentence)
    end
  end

  # Raised by a handler: this error is meant for the caller, who gets its code, message and details.
  class HandlerError < Error
    CODE = /\A[a-z][a-z0-9_]{0,63}\z/.freeze
    # What the protocol itself decides, and no handler (protocol/envelope.md).
    RESERVED = %w[unknown_action expired cancelled poison interrupted exhausted bad_answer bad_route bad_codec bad_envelope bad_address foreign
                  refused wrong_type].freeze

    # @return [String] one word, `[a-z][a-z0-9_]{0,63}`, and none that the protocol keeps for itself
    attr_reader :code
    # @return [Object, nil] any value that the job's codec can write
    attr_reader :details

    def initialize(code, message, details = nil)
      @code = code.to_s
      @details = details
      super(message.to_s)
    end

    # @return [String] the code that the caller is told: `handler` where the handler's own is no such word, or one that the protocol keeps
    #   for itself, such as `expired` or `cancelled`
    def answered_code
      CODE.match?(@code.scrub) && !RESERVED.include?(@code) ? @code : "handler"
    end
  end

  # Raised by {Context#send_answer}: the caller has used none of the answers that it holds for so long that the rest is given up.
  class CallerStalled < HandlerError
    def initialize(held, seconds)
      super("stalled", "the caller holds #{held} answers and has used none of them for #{seconds.round} s")
    end
  end

  # What a browser uploaded cannot be had, or is not what the front wrote down of it.
  class UploadError < Error; end

  # A use of a session that comes too late, or a value in it that is none.
  class SessionError < Error; end

  # Raised by a handler whose arguments are not what it takes; the message names the path, such as `args[0]: expected text`.
  class BadArguments < HandlerError
    def initialize(message, details = nil)
      super("bad_args", message, details)
    end
  end

  # Raised by a handler: run the job again, if it has attempts left. Without `after` the delay is that of its backoff.
  #
  # It counts as an attempt. Where neither the job nor its handler says how many there are, there are 25, and a caller waits on. On the last
  # one it is a failure like any other, of which the caller is told the message.
  class Retry < Error
    # @return [Numeric, nil] seconds
    attr_reader :after

    # @param after [Numeric, nil] seconds until the job is due again, from 0 on; more than 365 days count as these
    # @raise [ArgumentError] for a time that lies before now
    def initialize(message = "the handler asked to be run again", after: nil)
      raise ArgumentError, "after is a number of seconds from 0 on, not #{after.inspect}" unless after.nil? || (after.is_a?(Numeric) && after >= 0)

      @after = after
      super(message)
    end
  end

  # Raised by {Context#check}, or by a handler itself: the job was cancelled, and the handler stops.
  class Cancelled < Error; end

  # Raised by {Context#check}: the job has run for longer than it may.
  class TimedOut < Cancelled; end

  # Raised to a caller: the job was answered with an error.
  class RemoteError < Error
    attr_reader :code, :details

    # @return [String] the message as the handler chose it, without the code
    attr_reader :remote_message

    def initialize(code, message, details = nil)
      @code = code
      @remote_message = message
      @details = details
      super("#{code}: #{message}")
    end
  end

  # Raised to a caller: no answer came in time. The job may still run, or wait.
  class CallTimeout < Error; end

  # Raised to a caller that uses a client after close.
  class ClientClosed < Error; end

  # Redis cannot be reached, the connection broke, or Redis cannot serve now, such as while it loads: all of that passes. What was sent last may or may not have been done.
  class ConnectionLost < Error; end

  # Redis refuses the connection itself: its user, its password or its database. That may be set right while others wait.
  # @api private
  class NotLetIn < ConnectionLost
    # @return [ServerError] for those who do not wait
    def refusal
      ServerError.new(message)
    end
  end

  # Redis answered with an error, and not because it cannot serve now: that is {ConnectionLost}.
  class ServerError < Error
    # @return [String] the first word of Redis' error, such as OOM or NOPERM
    def code
      message[/\A\S+/].to_s
    end

    # @return [Boolean] whether the user lacks a right; a worker that meets this has work that it cannot do until somebody grants it
    def denied?
      code == "NOPERM"
    end

    # @return [Boolean] whether Redis is at its maxmemory: functions still run, plain writes do not
    def full?
      code == "OOM"
    end
  end

  # The process (or the inbox) is not registered with Redis: begin anew.
  class Fenced < ServerError; end

  # A claim's reply was lost: read the run hash, go on after {#last}.
  class Resync < ServerError
    # @return [Integer] the number of the last claim that Redis carried out
    def last
      message[/\d+/].to_i
    end
  end

  # Raised inside a handler that sends answers for a job that is no longer this worker's: stop working on it.
  class ClaimLost < Error; end
end
