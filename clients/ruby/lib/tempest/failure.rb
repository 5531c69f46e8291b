# frozen_string_literal: true

# What a handler raised, in the words in which others learn of it. Before it: Runner. After it: an error answer, meta's
# last_error, or a record in the dead set.

module Tempest
  # One failed run of a job.
  class Failure
    # Characters of {text} at most.
    TEXT = 500
    # What callers of jobs are told whose processes have gone, by the reason.
    REASONS = {
      "poison" => "each process that ran this job crashed",
      "interrupted" => "the process that ran this job ended; it may have been carried out"
    }.freeze

    # @return [Exception] what counts as the reason: {TimedOut} when the time was up before the handler raised something
    attr_reader :error
    # @return [String] the code and the message for the caller
    attr_reader :code, :message
    # @return [Object, nil] details for the caller
    attr_reader :details

    # @param error [Exception]
    # @param timed_out [Boolean] whether the job had run for longer than it may
    # @param unwritable [Boolean] whether the error says that an answer cannot be written, and was not met by the handler in bytes of its own
    def initialize(error, timed_out, unwritable: false)
      @error = timed_out && !unwritable ? TimedOut.new("the job ran for longer than it may") : error
      @unwritable = unwritable
      @code, message, @details = words
      @message = Failure.clean(message)
    end

    # @return [Boolean] whether another run would not help: the arguments, or what the handler returned, are at fault
    def final?
      @code == "bad_args" || @unwritable
    end

    # @return [Array<String>] the reason and the sentence of the record, where nobody waits
    def record
      final? ? [@code, @message] : ["exhausted", text]
    end

    # @return [Boolean] whether the handler chose a code that it may not choose
    def renamed?
      @error.is_a?(HandlerError) && @error.code != @code
    end

    # @return [Boolean] whether the handler meant this error for others; any other is logged with its backtrace
    def meant?
      @error.is_a?(HandlerError) || @error.is_a?(Retry) || @error.is_a?(Cancelled) || @unwritable
    end

    # @return [String] for people who look after the queue; it is never in an answer
    def text
      told = @code != "handler" || @error.is_a?(HandlerError) || @error.is_a?(Retry)
      whole = told ? "#{@code}: #{@message}" : "#{@error.class}: #{Failure.said(@error)}"
      whole[0, TEXT].gsub(/[[:cntrl:]]/, " ")
    end

    # @return [String] text that every codec can write
    def self.clean(message)
      message = message.to_s
      # Redis' replies are bytes, and their text is UTF-8.
      return message.dup.force_encoding(Encoding::UTF_8).scrub if message.encoding == Encoding::BINARY

      message.encode(Encoding::UTF_8, invalid: :replace, undef: :replace).scrub
    rescue EncodingError
      message.to_s.b.encode(Encoding::UTF_8, invalid: :replace, undef: :replace)
    end

    # @param error [Exception]
    # @return [String] its message, whatever its encoding is; some exceptions cannot even say one
    def self.said(error)
      clean(error.message)
    rescue StandardError => e
      "(no message: it raises #{e.class})"
    end

    private

    # Only what was raised for the caller carries its text.
    def words
      return ["bad_answer", Failure.said(@error)] if @unwritable

      case @error
      when HandlerError then [@error.answered_code, Failure.said(@error), @error.details]
      when TimedOut then ["timeout", Failure.said(@error)]
      when Retry then ["handler", Failure.said(@error)]
      else ["handler", "the handler failed"]
      end
    end
  end
end
