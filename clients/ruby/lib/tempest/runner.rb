# frozen_string_literal: true

# Runs one claim in a handler thread: bytes to job, job to handler, what it returned or raised to an Outcome. Nothing that
# a job or a handler does gets past here. Before it: Pool. After it: Dispatcher, which settles.

module Tempest
  # Decides what becomes of a claim.
  class Runner
    # The keys of meta that version 1 knows, and what they hold. Of another type, or out of their bounds, they are ignored.
    META_TYPES = Bounds::NUMBERS.transform_values { |range| ->(value) { value.is_a?(Integer) && range.cover?(value) } }.merge(
      "backoff" => ->(value) { Bounds.delays({ "backoff" => value }) }, "last_error" => String, "traceparent" => String,
      "tracestate" => String, "session" => String, "accept" => Array, "unique" => String,
      "once" => ->(value) { [true, false].include?(value) }
    ).freeze
    # Actions without a handler that are remembered: whoever may push can make up names.
    STRANGERS = 1000

    # @param handlers [HandlerTable]
    # @param sender [Connection] on which handlers send answers that are not the last
    # @param clock [RedisClock]
    # @param patience [Integer] milliseconds that a job waits whose action has no handler here
    # @param direct [DirectSender, nil] for answers to nodes that listen themselves; nil: they get none
    def initialize(handlers, sender, clock, logger, patience, direct = nil)
      @direct = direct
      @rule = direct ? direct.rule : DirectRule::NONE
      @handlers = handlers
      @sender = sender
      @clock = clock
      @logger = logger
      @patience = patience
      @strangers = {}
    end

    # @return [Outcome]
    def run(claim)
      job = claim.job || Job.read(claim.payload, single: true)
      address = accepted(job)
      warn_of_meta(job)
      journey = begin
        Journey.of(job, claim.station.queue)
      rescue BadRoute => e
        return said(dead(claim, job, address, "bad_route", e.message), job)
      end
      outcome = run_job(claim, job, address, journey)
      outcome.journey = journey unless outcome.goes_back? || (outcome.verdict == "done" && outcome.args.nil?)
      said(outcome, job)
    rescue Refused => e
      said(Outcome.dead(claim, e.reason, e.message), nil)
    rescue StandardError => e
      # A fault of this library: the job must not come back for ever, and its bytes are kept.
      outcome = Outcome.dead(claim, "bad_codec", "the job could not be read")
      outcome.failed_run = FailedRun.new(text: "#{e.class}: #{Failure.said(e)}", fault: true, backtrace: e.backtrace)
      said(outcome, job)
    end

    # @return [Outcome] of a job that is to be run once, and whose handler is left behind: nobody knows what it has done
    def interrupted(claim)
      job = claim.job
      outcome = dead(claim, job, job.address(@rule), "interrupted", Failure::REASONS.fetch("interrupted"))
      outcome.journey = Journey.of(job, claim.station.queue)
      said(outcome, job)
    rescue BadRoute
      said(outcome, job)
    end

    # @return [Outcome] of a job that has waited in vain for a worker that has a handler for its action
    def unknown(claim)
      job = Job.read(claim.payload, single: true)
      address = accepted(job)
      journey = Journey.of(job, claim.station.queue)
      outcome = claim.cancelled? ? cancelled(claim, job, address) : no_handler(claim, job, address)
      outcome.journey = journey
      said(outcome, job)
    rescue Refused, BadRoute
      run(claim)
    end

    # @return [Outcome] of a claim whose handler ended its own thread instead of returning
    def ended(claim)
      job = claim.job
      handler = job && @handlers.find(job.action)
      return Outcome.new(claim, "failed") unless handler

      said(failed(claim, job, job.address(@rule), nil, handler, Failure.new(Error.new("the handler ended its own thread"), false)), job)
    end

    private

    # What the bytes alone do not say: where it is answered, and whether a single argument may stand for its args.
    # @return [Address, nil]
    # @raise [Refused]
    def accepted(job)
      Envelope.check_args(job.args.first) if job.single && !@direct
      job.address(@rule)
    end

    # The one line that its end leaves in the log.
    # @return [Outcome]
    def said(outcome, job)
      LogLine.ended(@logger, outcome, job)
      outcome
    end

    def run_job(claim, job, address, journey)
      now = @clock.now
      claim.begin(job, now)
      return cancelled(claim, job, address) if claim.cancelled?
      return expired(claim, job, address, now) if late?(job, now)

      handler = @handlers.find(job.action)
      return answer(claim, job, address, handler, journey) if handler

      wait_for_another(claim, job, now) || no_handler(claim, job, address)
    end

    # A caller's job no longer than half of the time that is left, so that it still learns what was wrong.
    def wait_for_another(claim, job, now)
      deadline = job.number("deadline")
      patience = [@patience, deadline && ((deadline - now) / 2)].compact.min
      return unless patience.positive?

      # Two programs may share the queue: then it is so all the time, and named once.
      @logger.add(stranger?(job.action) ? Logger::WARN : Logger::DEBUG) do
        LogLine.of("no handler here for a job's action: it waits for a worker that has one", **LogLine.of_job(claim, job), patience_ms: patience)
      end
      Outcome.new(claim, "unknown #{patience} #{job.action}")
    end

    # @return [Boolean] whether the action has not been named in the log
    def stranger?(action)
      @strangers.size < STRANGERS && !@strangers.key?(action) && (@strangers[action] = true)
    end

    def no_handler(claim, job, address)
      dead(claim, job, address, "unknown_action", "no worker has a handler for the action #{job.action[0, 100].inspect}")
    end

    def answer(claim, job, address, handler, journey)
      # What is sent before the last answer is for callers, and of a job with a route the last answer goes on.
      context = Context.new(job, claim, journey ? nil : address, @sender, handler.timeout, @direct)
      has_returned = false
      value = Child.ends_within { handler.call(context, job.args) }
      args = value.nil? && context.sent.positive? ? [] : Elements.args(value)
      has_returned = true
      return go_on(claim, journey, args) if journey

      outcome(claim, "done", address) { Answer.new(**common(job), args: args, meta: context.last_meta).encode }
    rescue ClaimLost
      # That it was given to another the settlement says, which drops this.
      Outcome.new(claim, "done")
    rescue Exception => e # rubocop:disable Lint/RescueException
      # Everything: a handler that says exit or overflows its stack must not end the worker.
      return cancelled(claim, job, address, context) if e.is_a?(Cancelled) && claim.cancelled?

      unwritable = e.is_a?(CodecError) && (has_returned || e.equal?(context.refused))
      failed(claim, job, address, context, handler, Failure.new(e, context.timed_out?, unwritable: unwritable))
    end

    def common(job)
      { action: job.action, job_id: Journey.answer_id(job), codec: job.answer_codec }
    end

    # The answer is encoded only if somebody waits for it.
    def outcome(claim, verdict, address)
      Outcome.new(claim, verdict, address ? yield : "", address)
    end

    # Again, if the job has attempts left; else its caller is told, or it is recorded as dead where nobody waits.
    def failed(claim, job, address, context, handler, failure)
      warn_of_code(claim, job, failure) if failure.renamed?
      after = handler.policy.again(job, failure.error, @clock.now) unless failure.final?
      return cancelled(claim, job, address, context) if after && claim.cancelled?

      payload = after && again(claim, job, failure)
      made = if payload then Outcome.retry(claim, after, payload)
             elsif address then outcome(claim, "failed", address) { error(job, context, failure.code, failure.message, failure.details) }
             else Outcome.dead(claim, *failure.record)
             end
      made.failed_run = failed_run(job, handler, failure, payload.nil?)
      made
    end

    # @param last [Boolean] whether it was the last attempt: then an unexpected error's backtrace is of use
    def failed_run(job, handler, failure, last)
      FailedRun.new(text: failure.text, code: failure.code, attempt: job.attempt, attempts: handler.policy.attempts(job, failure.error),
                    fault: !failure.meant? || failure.error.is_a?(CodecError) || failure.error.is_a?(TimedOut),
                    backtrace: last && !failure.meant? ? failure.error.backtrace : nil)
    end

    def warn_of_code(claim, job, failure)
      @logger.warn(LogLine.of("a handler's error has a code that is kept for the protocol, or is not a word such as not_found: its caller is told handler",
                              code: Failure.clean(failure.error.code)[0, 100], **LogLine.of_job(claim, job)))
    end

    # The job as it is to be run next. Read anew, because a handler may have changed its arguments in place.
    # @return [String, nil] bytes; nil if it cannot be written with what is added to it
    def again(claim, job, failure)
      fresh = Job.read(claim.payload, single: true)
      fresh.meta = fresh.meta.merge("attempt" => job.attempt + 1, "last_error" => failure.text)
      fresh.encode
    rescue CodecError
      nil
    end

    def error(job, context, code, message, details = nil)
      answer = Answer.error(job, code, message, details)
      answer.meta.merge!(context.last_meta) if context
      answer.encode
    rescue CodecError
      answer.meta["error"].delete("details")
      answer.encode
    end

    def cancelled(claim, job, address, context = nil)
      outcome(claim, "cancelled #{job.job_id}", address) { error(job, context, "cancelled", "the job was cancelled") }
    end

    def late?(job, now)
      !job.meta.empty? && %w[expires_at deadline].any? { |key| (time = job.number(key)) && now > time }
    end

    # A caller whose deadline has passed waits no more, and is told nothing.
    def expired(claim, job, address, now)
      deadline = job.number("deadline")
      outcome(claim, "expired", deadline && now > deadline ? nil : address) do
        error(job, nil, "expired", "the job was not begun before it expired")
      end
    end

    # The answer goes on along the route. It is written here, where what cannot be written is still a failure of the handler.
    def go_on(claim, journey, args)
      made = Outcome.new(claim, "done")
      made.args = args
      journey.route.empty? ? journey.job.codec.encode(args) : made.onward = journey.onward(args)
      made
    end

    def dead(claim, job, address, reason, sentence)
      bytes = address ? Answer.error(job, reason, sentence).encode : ""
      Outcome.dead(claim, reason, sentence, bytes, address)
    end

    def warn_of_meta(job)
      job.meta.each do |key, value|
        type = META_TYPES[key]
        next if type.nil? || type === value # rubocop:disable Style/CaseEquality

        @logger.warn(LogLine.of("a key of a job's meta is ignored", action: job.action[0, 100], job_id: job.job_id, key: key,
                                                                    error: "it is #{Envelope.kind(value)}, or out of its bounds"))
      end
    end
  end
end
