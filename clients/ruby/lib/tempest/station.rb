# frozen_string_literal: true

# One queue as one worker sees it: who it is there (P), what it holds, and the calls that move jobs. Only the dispatcher's
# thread uses it, but for `process` and `land`, which the parked connections read.

module Tempest
  # A worker's registration on one queue.
  class Station
    # Bytes of jobs that one claim moves at most.
    CLAIM_BYTES = 1_048_576
    MOST_CLAIMS = 1000

    attr_reader :queue, :levels, :held
    # @return [String, nil] P; nil before open and after goodbye
    attr_reader :process
    # @return [Array<String>] levels that are paused (or, with a `!` before it, no list)
    attr_reader :closed
    # @return [Boolean] whether the last claim emptied the levels
    attr_reader :dry
    # @return [Boolean] whether a parked connection moved a job
    attr_accessor :landed
    # @return [Integer] jobs that wait to be run alone, as far as is known
    attr_accessor :suspects
    # @return [Boolean] whether P keeps the queue's clock
    attr_accessor :keeper

    # @return [Boolean] whether jobs have waited long enough for a worker that has a handler for them, and are to be given up
    attr_accessor :unknown

    # @param actions [Array<String>] that have handlers
    # @param name [String] what P begins with
    # @param lease [Integer] P's, in milliseconds
    # @param weights [Weights, nil] nil: strict priority
    def initialize(queue, levels, actions, name, lease, weights = nil)
      @queue = queue
      @levels = levels
      @actions = actions
      @name = name
      @lease = lease
      @weights = weights
      @held = {}
      # Fields of a `begin` whose reply has not come: marked or not, nothing of them was run.
      @marking = []
      @closed = []
      @process = nil
      @left = nil
      @suspects = 0
      @keeper = false
      @unknown = false
    end

    # Registers a new P.
    def open(line)
      # What was landed for the last P when nobody knew it any more goes back.
      line.fcall("goodbye", @queue, @left, *@levels) if @left
      @left = nil
      @number = 0
      @dry = false
      @landed = false
      fresh = ProcessName.fresh(@name)
      line.fcall("levels", @queue, *@levels)
      line.hello(@queue, fresh, "new", "lease/#{@lease}", *@levels.map { |level| "level/#{level}" },
                 *@actions.map { |action| "action/#{action}" })
      @process = fresh
    end

    # P is no more: what it held is others'. A parked connection that still lands a job under its name puts that job back.
    def abandon
      lose_all
      @left = @process || @left
      @process = nil
    end

    # There may be something to claim.
    def stir
      @dry = false
    end

    # @return [String] the list that a parked BLMOVE moves to
    def land(process, level)
      Keys.land(@queue, process, level)
    end

    # @param want [Integer] free slots
    # @return [Array<Claim>] in the order of the levels
    def claim(line, want)
      want = [want, MOST_CLAIMS].min
      levels = @weights ? @weights.quotas(want) : @levels
      reply = line.fcall("claim", @queue, @process, @number + 1, want, CLAIM_BYTES, *levels)
      @number += 1
      claims = take(reply)
      cut = claims.size < want && claims.sum { |claim| claim.payload.bytesize } >= CLAIM_BYTES
      @weights&.cut_short(claims.map(&:level).tally) if cut
      @dry = claims.size < want && !cut
      claims
    end

    # @return [Array<Claim>] what parked connections moved
    def adopt(line)
      @landed = false
      take(line.fcall("adopt", @queue, @process, *@levels))
    end

    # Takes a job that is to be run alone; this process must hold nothing.
    # @return [Array<Claim>] one or none
    def suspect(line)
      take_apart(line.fcall("suspect", @queue, @process, *@levels))
    end

    # Takes jobs that have waited in vain for a process that has a handler for their action.
    # @return [Array<Claim>]
    def take_unknown(line)
      take_apart(line.fcall("unknown", @queue, @process))
    end

    # P claims no more: nobody is to wait for it.
    def know_nothing(line)
      line.hello(@queue, @process, "again", "actions/none") if @process
    end

    # Asks which of these jobs were cancelled while they waited, if any was.
    def mark_cancelled(line, claims)
      return unless @closed.include?("~")

      claims.each { |claim| claim.job ||= Station.read(claim.payload) }
      ask(line, claims.select(&:job)) { |claim| claim.job.job_id }
    end

    # Marks jobs that are to be run once, in one call, before they are; without such jobs there is none.
    #
    # @return [Array<Claim>] those that may be run
    def begin_once(line, claims)
      once = claims.select { |claim| once?(claim) }
      return claims if once.empty?

      @marking = once.map(&:field)
      marked = line.fcall("begin", @queue, @process, *@marking)
      @marking = []
      gone = once.zip(marked).filter_map { |claim, mark| claim unless claim.once = mark == 1 }
      gone.each { |claim| @held.delete(claim.field)&.lose }
      claims - gone
    end

    # Asks which of the running jobs were cancelled, because word of that may have been missed.
    def recheck(line)
      ask(line, @held.values.select(&:job_id), &:job_id)
    end

    # Somebody cancelled a job, perhaps one of these.
    def hear_cancel(id)
      @held.each_value { |claim| claim.hear_cancel(id) }
    end

    # @param outcomes [Array<Outcome>] at most 1,000
    # @return [Array<Integer>] 1, 0 or 2 each
    def settle(line, outcomes)
      replies = line.fcall("settle", @queue, @process, *outcomes.flat_map(&:arguments))
      outcomes.each { |outcome| @held.delete(outcome.claim.field) }
      replies
    end

    # Puts claims back to the heads of their levels.
    def give_back(line, claims)
      line.fcall("giveback", @queue, @process, *claims.map(&:field))
      claims.each { |claim| @held.delete(claim.field) }
    end

    # After a connection was lost: says that P lives, and names the connections that are still its own.
    #
    # @param identities [Array<String>] of the parked connections
    # @return [Array<String>] connections that Redis still counts as P's
    def rejoin(line, identities)
      line.hello(@queue, @process, "only", *identities)
    end

    # Compares what Redis says that P holds with what this process knows.
    #
    # @return [Array<Claim>] those that never reached a handler
    def resync(line)
      run = line.call("HGETALL", Keys.run(@queue, @process)).each_slice(2).to_h
      @number = run["#"].to_i
      jobs = run.select { |field, _| field.match?(/\.\d+\z/) }
      @held.reject! { |field, claim| !jobs.key?(field) && claim.lose }
      fields = jobs.keys.sort_by { |field| [@levels.index(field[/\A(.*)\./, 1]) || @levels.size, field[/\d+\z/].to_i] }
      unseen = fields.reject { |field| @held[field]&.started }
      # A job that is to be run alone waits until nothing else runs.
      @marking |= [run["!"]] if unseen.include?(run["!"])
      unseen -= renounce(line)
      # Nothing says whether jobs of these were cancelled: so that is asked.
      @closed |= ["~"]
      unseen.map { |field| @held[field] = Claim.new(self, @process, field, jobs[field]) }
    end

    # Ends P: what is left goes back to the heads of its levels.
    # @return [Integer] how many jobs went back
    def goodbye(line)
      return 0 unless @process

      renounce(line)
      leaving = @process
      @process = nil
      returned = line.fcall("goodbye", @queue, leaving, *@levels)
      lose_all
      returned
    rescue ConnectionLost
      @process = leaving
      raise
    end

    # @return [Boolean] whether a connection may be parked on this level
    def open_level?(level)
      !@closed.include?(level) && !@closed.include?("!#{level}")
    end

    # @return [Job, nil] nil for what is none: the Runner says why
    def self.read(payload)
      Job.read(payload, single: true)
    rescue Refused, StandardError
      nil
    end

    private

    # Most jobs say nothing of the kind, and are not read here. JSON may write a letter of the key as \\u….
    def once?(claim)
      return false unless claim.payload.include?("once") || claim.payload.include?("\\u")

      claim.job ||= Station.read(claim.payload)
      claim.job ? claim.job.meta["once"] == true : false
    end

    # Gives back what may be marked and was not run: as it is, it would pass for a job whose handler was called. It is never marked
    # again, because this call may arrive late too.
    #
    # @return [Array<String>] the fields
    def renounce(line)
      fields = @marking.sort_by { |field| field[/\d+\z/].to_i }
      line.fcall("giveback", @queue, @process, *fields.map { |field| "~#{field}" }) unless fields.empty?
      fields.each { |field| @held.delete(field) }
      @marking = []
      fields
    end

    def lose_all
      @marking = []
      @held.each_value(&:lose)
      @held = {}
    end

    def ask(line, claims)
      return if claims.empty?

      answers = line.fcall("cancelled", @queue, *claims.map { |claim| yield(claim) })
      claims.zip(answers) { |claim, answer| claim.cancel if answer.to_i.positive? }
    end

    # Claims out of the shape [[closed…], level, first, [payload…], …].
    def take(reply)
      @closed = reply.first.map(&:to_s)
      claims_of(reply)
    end

    # The same of a reply that says nothing of the levels, but whether there are cancelled jobs.
    def take_apart(reply)
      @closed |= reply.first.map(&:to_s)
      claims_of(reply)
    end

    def claims_of(reply)
      reply.drop(1).each_slice(3).flat_map do |level, first, payloads|
        payloads.each_with_index.map do |payload, place|
          claim = Claim.new(self, @process, "#{level}.#{first + place}", payload)
          @held[claim.field] = claim
        end
      end
    end
  end
end
