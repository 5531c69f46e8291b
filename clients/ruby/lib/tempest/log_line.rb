# frozen_string_literal: true

# The lines that a worker and a client write: words that are the same in all languages, then fields (docs/logs.md). One event is one line.
# Whoever pushes jobs chooses much of what stands in them, so each field is cut and has no control characters.

module Tempest
  # @api private
  module LogLine
    # Characters of a name, and of any other field, at most.
    NAME = 100
    TEXT = 500
    # Lines of a backtrace that follow.
    FRAMES = 12
    PLAIN = %r{\A[A-Za-z0-9_.,:/@+-]+\z}.freeze

    module_function

    # @param fields [Hash{Symbol => Object}] nil is left out
    # @return [String]
    def of(message, **fields)
      [message, *fields.compact.map { |name, value| "#{name}=#{written(value)}" }].join(" ")
    end

    # The line of a job's end, or of another attempt; none for what went well.
    # @param outcome [Outcome]
    # @param job [Job, nil] nil for bytes that are no job
    def ended(logger, outcome, job)
      word, rest = outcome.verdict.split(" ", 2)
      run = outcome.failed_run
      level = severity(word, run) || return
      # Made only where the logger takes it: most jobs end well, and most loggers take no more than `info`.
      logger.add(level) { ending(word, rest, run, of_job(outcome.claim, job)) }
    end

    # @return [Integer, nil] nil: nothing is said
    def severity(word, run)
      case word
      when "retry" then Logger::WARN
      when "failed" then run.nil? || run.fault ? Logger::ERROR : Logger::INFO
      when "dead" then Logger::ERROR
      when "expired", "cancelled" then Logger::INFO
      end
    end

    def ending(word, rest, run, fields)
      fields.update(attempt: run.attempt, attempts: run.attempts, error: run.text) if run
      case word
      when "retry" then of("a job failed and is tried again", delay_ms: rest, **fields)
      when "failed" then of("a job failed and its caller is told", code: run&.code, **fields) + trace(run)
      when "dead"
        reason, detail = rest.split(" ", 2)
        of("a job is dead", reason: reason, **{ error: detail }.merge(fields)) + trace(run)
      when "expired" then of("a job came too late and is not run", **fields)
      else of("a job was cancelled", **fields)
      end
    end

    # @return [Hash]
    def of_job(claim, job)
      fields = { queue: claim.station.queue, level: claim.level }
      job ? fields.merge(action: job.action[0, NAME], job_id: job.job_id.to_s[0, NAME]) : fields
    end

    # @return [String] the lines of an unexpected error's backtrace, "" without one
    def trace(run)
      Array(run&.backtrace).first(FRAMES).map { |frame| "\n  #{Failure.clean(frame)}" }.join
    end

    def written(value)
      text = Failure.clean(value)[0, TEXT]
      text.match?(PLAIN) ? text : text.dump.gsub(/\\u(?:\{\h+\}|\h{4})/) { |code| readable(code) }
    end

    # Dump writes every letter beyond ASCII as a code; those that a terminal shows may stand as they are.
    def readable(code)
      char = [code[/\h+/].hex].pack("U")
      char.match?(/[[:print:]]/) ? char : code
    end
    private_class_method :severity, :ending, :written, :readable
  end

  # A failed run in the words of the log. `fault`: nobody meant it for a caller.
  # @api private
  FailedRun = Struct.new(:text, :code, :attempt, :attempts, :fault, :backtrace, keyword_init: true)
end
