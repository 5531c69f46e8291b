# frozen_string_literal: true

# Where outcomes wait until Redis has them: settled in batches, one call each. Before it: the Runner, by way of the
# dispatcher's mailbox.

module Tempest
  # The outcomes of a worker that are not settled yet. Only the dispatcher's thread uses it.
  class Settlement
    # What one settle carries at most.
    JOBS = 500
    BYTES = 4 * 1024 * 1024

    # @param direct [DirectSender, nil] for answers to nodes
    # @param mailbox [Mailbox, nil] gets `[:told, [outcome, over]]` when such an answer is on its way no longer
    # @yieldparam station [Station] on which this process is fenced
    def initialize(logger, direct = nil, mailbox = nil, &fenced)
      @logger = logger
      @direct = direct
      @mailbox = mailbox
      # Outcomes whose answers are on their way to a node.
      @away = 0
      @fenced = fenced
      @outbox = []
      @postponed = []
      @refusal = nil
    end

    # @param outcome [Outcome]
    def add(outcome)
      outcome.claim.lost? ? lost(outcome.claim) : @outbox << outcome
    end

    # An answer is on its way to a node no longer.
    # @param over [Boolean] whether the node had its say; false: the claim is gone, or the worker has ended
    def told(outcome, over)
      @away -= 1
      outcome.delivered = true
      add(outcome) if over || outcome.claim.lost?
    end

    # @return [Boolean] whether nothing can be settled now
    def empty?
      @outbox.empty?
    end

    # @return [Boolean] whether nothing waits for room in Redis, or for a node, either
    def over?
      @outbox.empty? && @postponed.empty? && @away.zero?
    end

    # Answers that Redis had no room for are tried again.
    def resume
      @outbox.concat(@postponed.slice!(0..))
    end

    # @raise [ConnectionLost] the outcomes stay
    def settle(line)
      @outbox.reject! { |outcome| outcome.claim.lost? }
      until @outbox.empty?
        station = @outbox.first.claim.station
        batch = batch_for(station)
        apply(line, station, batch)
        @outbox -= batch
      end
    end

    private

    def batch_for(station)
      bytes = 0
      own = @outbox.select { |outcome| outcome.claim.station.equal?(station) }.first(JOBS)
      fitting = own.take_while { |outcome| (bytes += outcome.bytesize) <= BYTES }
      fitting.empty? ? own.first(1) : fitting
    end

    def apply(line, station, batch)
      batch -= batch.select(&:journey).reject { |outcome| travel(line, outcome) }
      batch -= batch.select(&:direct?).each { |outcome| hand_over(outcome) }
      batch -= batch.select(&:elsewhere?).reject { |outcome| deliver(line, outcome) }
      return if batch.empty?

      station.settle(line, batch).zip(batch) { |reply, outcome| say(station, outcome, reply) unless reply == 1 }
      @refusal = nil
    rescue ConnectionLost
      batch.each { |outcome| outcome.was_sent = true }
      raise
    rescue Fenced
      @fenced.call(station)
    rescue ServerError => e
      # Nothing was settled. One at a time, so that one that is refused does not hold up the others.
      batch.size == 1 ? settle_refused(line, station, batch.first, e) : batch.each { |outcome| apply(line, station, [outcome]) }
    end

    # Redis gave it to another while it ran. Where the whole process was fenced, that has been said.
    def lost(claim)
      return unless claim.process == claim.station.process

      @logger.warn(LogLine.of("a job was given to another process while it ran: what it came to is dropped", **LogLine.of_job(claim, claim.job),
                                                                                                             claim: claim.field))
    end

    # Of a claim that had ended, or an inbox that is none.
    def say(station, outcome, reply)
      if reply == 2
        return @logger.warn(LogLine.of("an answer could not be delivered and is dropped", queue: station.queue, claim: outcome.claim.field,
                                                                                          inbox: outcome.inbox, error: "the inbox is not a list"))
      end
      return if outcome.was_sent

      @logger.warn(LogLine.of("a job was given to another process while it ran: what it came to is dropped", queue: station.queue,
                                                                                                             claim: outcome.claim.field))
    end

    # What Redis takes in no form would be run again and again: it is dead. From a user without the right to settle, and by a full Redis
    # that has lost its functions, nothing is taken: it is tried again.
    def settle_refused(line, station, outcome, error)
      if outcome.verdict.start_with?("unknown ")
        # These are the functions of an earlier version: it knows no jobs that are put aside.
        Functions.ensure_loaded(line)
        return @postponed << outcome
      end
      return postpone(station, outcome, error) unless refusal?(error)

      # It is what it was until Redis has it: the reply may be lost.
      station.settle(line, [outcome.dup.tap { |dead| dead.become_dead("refused", error.message) }])
      @logger.error(LogLine.of("a job is dead", queue: station.queue, claim: outcome.claim.field, reason: "refused",
                                                outcome: outcome.verdict[0, 200], error: error.message))
    rescue Fenced
      raise
    rescue ServerError => e
      postpone(station, outcome, e)
    end

    # Said once for as long as Redis says the same.
    def postpone(station, outcome, error)
      if @refusal != error.message
        @refusal = error.message
        @logger.error(LogLine.of("Redis refuses to settle jobs; trying again", queue: station.queue, error: error.message))
      end
      @postponed << outcome
    end

    # Whether it is what was asked that Redis does not take: the same would be refused for ever. Anything else may pass: a full Redis, a
    # right that is missing.
    def refusal?(error)
      return true if %w[BADARG WRONGTYPE].include?(error.code)

      error.code == "ERR" && error.message.include?("@user_function")
    end

    # A route goes on ahead of the settle. While Redis has no room for it, both wait.
    # @return [Boolean] whether the outcome may be settled
    def travel(line, outcome)
      RouteFollower.new(line, @logger).follow(outcome)
      true
    rescue ServerError => e
      raise unless e.full?

      @postponed << outcome
      false
    end

    # An answer to a node goes ahead of its settle: the outcome comes back when the node has had its say.
    def hand_over(outcome)
      @away += 1
      @outbox.delete(outcome)
      @direct.send_answer(outcome.address, DirectAnswer.new(outcome.claim, outcome.answer) { |over| @mailbox.post(:told, [outcome, over]) })
    end

    # An answer to another queue goes ahead of its settle. While Redis has no room for it, both wait.
    # @return [Boolean] whether the outcome may be settled
    def deliver(line, outcome)
      Elsewhere.push(line, outcome.address, outcome.answer)
      outcome.delivered = true
    rescue ServerError => e
      @postponed << outcome if e.full?
      # No list, or no right to write to it: nobody can be answered there, and the job is done all the same.
      unless e.full?
        @logger.warn(LogLine.of("an answer could not be delivered and is dropped",
                                queue: outcome.claim.station.queue, claim: outcome.claim.field,
                                inbox: "#{outcome.address.inbox}@#{outcome.address.queue}", error: e.message))
      end
      !e.full?
    end
  end
end
