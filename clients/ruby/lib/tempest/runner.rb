# frozen_string_literal: true

# Runs one claim in a handler thread: bytes to job, job to handler, what it returned or raised to an Outcome. Nothing that
# a job or a handler does gets past here. Before it: Pool. After it: Dispatcher, which settles.

module Tempest
  # Decides what becomes of a claim.
  class Runner
    # The keys of meta that version 1 knows, and what they hold. Of another type they are ignored.
    META_TYPES = {
      "attempt" => Integer, "enqueued_at" => Integer, "expires_at" => Integer, "deadline" => Integer, "traceparent" => String,
      "tracestate" => String, "session" => String, "accept" => Array, "unique" => String
    }.freeze

    # @param handlers [HandlerTable]
    # @param sender [Connection] on which handlers send answers that are not the last
    def initialize(handlers, sender, logger)
      @handlers = handlers
      @sender = sender
      @logger = logger
    end

    # @return [Outcome]
    def run(claim)
      job = Job.read(claim.payload)
      address = job.address
      warn_of_meta(job)
      handler = @handlers.find(job.action)
      handler ? answer(claim, job, address, handler) : unknown(claim, job, address)
    rescue Refused => e
      @logger.warn("dead job on #{claim.station.queue} (#{claim.level}): #{e.reason}: #{e.message}")
      Outcome.dead(claim, e.reason, e.message)
    rescue StandardError => e
      # A fault of this library: the job must not come back for ever, and its bytes are kept.
      @logger.error("dead job on #{claim.station.queue} (#{claim.level}): #{describe(e)}")
      Outcome.dead(claim, "bad_codec", "the job could not be read")
    end

    private

    def answer(claim, job, address, handler)
      context = Context.new(job, claim, address, @sender)
      value = handler.call(context, job.args)
      args = value.nil? && context.sent.positive? ? [] : [value]
      outcome(claim, "done", address) { Answer.new(**common(job), args: args, meta: context.last_meta).encode }
    rescue HandlerError => e
      failed(claim, job, address, context, e.code, e.message, e.details)
    rescue CodecError => e
      @logger.warn("#{job.action} (#{job.job_id}): its answer cannot be written: #{e.message}")
      failed(claim, job, address, context, "bad_answer", e.message)
    rescue ClaimLost
      Outcome.new(claim, "done")
    rescue Exception => e # rubocop:disable Lint/RescueException
      # Everything: a handler that says exit or overflows its stack must not end the worker.
      @logger.error("#{job.action} (#{job.job_id}) failed: #{describe(e)}")
      failed(claim, job, address, context, "handler", "the handler failed")
    end

    def common(job)
      { action: job.action, job_id: job.job_id, codec: job.answer_codec }
    end

    # The answer is encoded only if somebody waits for it.
    def outcome(claim, verdict, address)
      Outcome.new(claim, verdict, address ? yield : "", address)
    end

    def failed(claim, job, address, context, code, message, details = nil)
      outcome(claim, "failed", address) { error(job, context, code, message, details) }
    end

    def error(job, context, code, message, details)
      answer = Answer.error(job, code, message.encode(Encoding::UTF_8, invalid: :replace, undef: :replace).scrub, details)
      answer.meta.merge!(context.last_meta) if context
      answer.encode
    rescue CodecError
      answer.meta["error"].delete("details")
      answer.encode
    end

    def unknown(claim, job, address)
      sentence = "no handler for the action #{job.action[0, 100].inspect}"
      @logger.warn("dead job on #{claim.station.queue} (#{claim.level}): #{sentence}")
      bytes = address ? Answer.error(job, "unknown_action", sentence).encode : ""
      Outcome.dead(claim, "unknown_action", sentence, bytes, address)
    end

    def warn_of_meta(job)
      job.meta.each do |key, value|
        type = META_TYPES[key]
        next if type.nil? || value.is_a?(type)

        @logger.warn("#{job.action} (#{job.job_id}): meta.#{key} is ignored: it is #{Envelope.kind(value)}")
      end
    end

    def describe(error)
      "#{error.class}: #{error.message}\n  #{Array(error.backtrace).first(12).join("\n  ")}"
    end
  end
end
