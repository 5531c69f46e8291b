# frozen_string_literal: true

# Takes an answer on along its job's route: pushes what follows, or gathers the answers of steps in parallel. Before it: an outcome with a
# journey. After it: settle, and the next worker.

module Tempest
  # Does what is to be done ahead of the settle. All of it may be done twice, and does no harm then but to run what follows again.
  class RouteFollower
    def initialize(line, logger)
      @line = line
      @logger = logger
    end

    # Leaves an outcome that is only to be settled, and perhaps answered.
    #
    # @param outcome [Outcome]
    # @raise [ConnectionLost, ServerError] Redis is away, or full: to be called again
    def follow(outcome)
      outcome.args ? go_on(outcome) : tell_of_failure(outcome)
      outcome.journey = nil
    rescue ServerError => e
      raise if e.full?

      fail_with(outcome, "bad_route", "the route cannot go on: #{e.code}", e)
    rescue BadRoute => e
      fail_with(outcome, "bad_route", e.message, e)
    rescue CodecError => e
      fail_with(outcome, "bad_answer", "the answers of the steps in parallel cannot be written: #{e.message}", e)
    end

    private

    # The first failure of several steps in parallel is answered, the others are not.
    def tell_of_failure(outcome)
      gather = outcome.journey.gather
      outcome.unanswered if gather && gather(gather).zero?
    rescue ServerError => e
      @logger.error(LogLine.of("steps in parallel are not told that one has failed", queue: outcome.claim.station.queue,
                                                                                     claim: outcome.claim.field, error: e.message))
    end

    def go_on(outcome)
      outcome.onward ||= onward(outcome)
      jobs = outcome.onward
      return outcome.become_next(jobs.first.level, jobs.first.payload) if jobs.size == 1 && jobs.first.queue == outcome.claim.station.queue

      until jobs.empty?
        @line.call("RPUSH", Keys.level(jobs.first.queue, jobs.first.level), jobs.first.payload)
        # Should the next one fail, this one is not pushed again.
        jobs.shift
      end
    end

    # @return [Array<Onward>] none: others are to come yet, or the outcome is answered
    def onward(outcome)
      journey = outcome.journey
      args = outcome.args
      while journey.gather && journey.route.empty?
        found = gather(journey.gather, journey.job.codec.encode(args))
        return [] if found.empty?

        journey, args = journey.gathered(found)
      end
      return journey.onward(args) unless journey.route.empty?

      answer(outcome, "done") { Answer.new(**common(journey.job), args: args, meta: {}).encode }
      []
    end

    def gather(gather, *result)
      @line.fcall("gather", gather.queue, gather.id, gather.index, gather.count, *result)
    end

    def fail_with(outcome, code, message, error)
      job = outcome.journey.job
      outcome.become_dead(code, message) unless job.respond_to
      answer(outcome, "failed") { Answer.new(**common(job), args: [], meta: { "error" => { "code" => code, "message" => message } }).encode }
      outcome.journey = nil
      outcome.failed_run = FailedRun.new(text: "the route cannot go on: #{error.message}", code: code, fault: true)
      LogLine.ended(@logger, outcome, job)
    end

    def answer(outcome, verdict)
      address = outcome.journey.job.address(DirectRule::ANY)
      outcome.become_answer(verdict, yield, address) if address
    end

    def common(job)
      { action: job.action, job_id: Journey.answer_id(job), codec: job.answer_codec }
    end
  end
end
