# frozen_string_literal: true

# The worker's loop, in one thread with one connection: adopt, claim, hand to the pool, settle what comes back, park when
# there is nothing; and what to do when Redis goes away, says FENCED, or the operator says stop. It looks for jobs when a
# parked connection, the beat or a free slot says so, never merely because time has passed.

module Tempest
  # Moves jobs between Redis and the pool until it is told to stop.
  class Dispatcher
    # Seconds between looks at what this process keeps for itself: its note, its record, answers that had to wait.
    ROUND = 1.0
    # Calls in one turn for jobs that are to be given up.
    GIVE_UP_CALLS = 20
    # Seconds that a Redis which has not answered a worker that stops may take for each further reply.
    LAST_TRY = 0.4

    # @param worker [Worker] for its settings
    # @param handlers [HandlerTable]
    # @param mailbox [Mailbox] also gets `:stop`, once for "finish what runs", twice for "now"; and `:quiet`
    def initialize(worker, handlers, mailbox)
      @worker = worker
      @logger = worker.logger
      @handlers = handlers
      @mailbox = mailbox
      @clock = RedisClock.new
      @outage = Outage.new(@logger)
      @node = Node.new(worker.name, worker.concurrency, @clock, @logger)
      @stations = worker.queues.map do |queue|
        Station.new(queue, worker.levels, handlers.actions, worker.name, worker.lease_ms, worker.weights && Weights.new(worker.weights))
      end
      @direct = worker.direct_answers && DirectSender.new(direct_rule, @logger)
      @settlement = Settlement.new(@logger, @direct, mailbox) { |station| renew(station) }
      @free = worker.concurrency
      @stops = 0
      @quiet = false
      # Whether others may wait for this worker's handlers.
      @knows = true
      # :waits while nothing is begun because a job is to be run alone, :runs while it is.
      @alone = nil
      @refused = []
      @recheck = false
      # Another connection has had trouble: is it still the same Redis behind this one?
      @doubt = false
      @next_round = 0
      @backoff = Backoff.new
    end

    # @return [void] once stopped
    # @raise [ServerError] if Redis refuses what a worker needs at the start
    def run
      @line = Connection.new(@worker.redis_url)
      @sender = Connection.new(@worker.redis_url)
      start_beat
      register
      return unless @stops.zero?

      begin_work
      step while @stops.zero?
      drain
    ensure
      finish
    end

    private

    def direct_rule
      redis = RedisURL.new(@worker.redis_url)
      DirectRule.new(@worker.direct_answers, redis.socket ? nil : redis.port)
    end

    # The beat process takes its time to start, and a lease begins with the registration: so it goes first.
    def start_beat
      @heartbeat = Heartbeat.new({ url: @worker.redis_url, queues: @worker.queues, levels: @worker.levels, lease: @worker.lease_ms,
                                   node: @node.id, name: @worker.name }, @clock, @mailbox, @logger, @outage)
      note(@mailbox.take(ROUND)) until @ready || @stops.positive?
    end

    # Registers on every queue, and tries until Redis is there or the worker is stopped.
    def register
      Functions.ensure_loaded(@line)
      @identity = @line.identity
      @clock.set(@line)
      @stations.each { |station| open(station) unless station.process }
      lossy = Eviction.warning(@line)
      @outage.back(:dispatcher)
      @logger.warn(lossy) if lossy
    rescue NotLetIn => e
      raise e.refusal
    rescue ConnectionLost => e
      wait_for_redis(e)
      retry if @stops.zero?
    end

    def open(station)
      station.open(@line)
      @heartbeat.watch(station.queue, station.process)
      # It has said which actions it knows. Where this worker claims no more, others must not wait for it.
      return unless @quiet || @stops.positive?

      @knows = true # until it is taken back
      station.know_nothing(@line)
    end

    def begin_work
      @parks = Parks.new(@stations, @worker.redis_url, @mailbox, @logger)
      @runner = Runner.new(@handlers, @sender, @clock, @logger, (@worker.unknown_patience * 1000).round, @direct)
      @pool = Pool.new(@worker.concurrency, @runner, @mailbox, @direct)
      @backoff.reset
      @logger.info(LogLine.of("tempest worker ready", queues: @worker.queues.join(","), levels: @worker.levels.join(","),
                                                      concurrency: @worker.concurrency, actions: @handlers.actions.sort.join(",")))
    end

    def step
      note(@mailbox.take(patience))
      probe if @doubt
      catch_up
      @settlement.settle(@line)
      look_around if Tempest.now >= @next_round
      return unless @stops.zero?

      @stations.rotate!.each { |station| serve(station) }
      @knows = !@quiet
      run_alone
    rescue ConnectionLost, ServerError => e
      recover(e)
    end

    # Seconds that the loop may sleep.
    def patience
      return 0 unless @settlement.empty? && @stations.none?(&:landed)
      return 0 if room.positive? && @stations.any? { |station| !station.dry }

      [@next_round - Tempest.now, 0].max
    end

    # Jobs that may be begun now.
    def room
      @quiet || @alone || @stops.positive? ? 0 : @free
    end

    # What this process keeps for itself, and says of itself.
    def look_around
      @next_round = Tempest.now + ROUND
      @settlement.resume
      @stations.each { |station| @heartbeat.note(station.queue, station.process, Node.note(station.held.values)) if station.process }
      @node.write(@line, state, @stations)
    end

    def state
      return "stopping" if @stops.positive?

      @quiet ? "quiet" : "running"
    end

    def note(events)
      events.each do |kind, subject|
        case kind
        when :outcome
          @free += 1
          @settlement.add(subject)
        when :told then @settlement.told(*subject)
        when :ready then @ready = true
        when :fatal then raise subject
        when :stop then @stops += 1
        when :quiet then quieten
        when :control then subject == "stop" ? @stops = [@stops, 1].max : quieten
        when :poll then subject.stir
        when :fenced then @refused << subject
        when :wake then wake(*subject)
        when :suspect then station(subject)&.suspects = 1
        when :cancel then station(subject.first)&.hear_cancel(subject.last)
        when :recheck then @recheck = @doubt = true
        when :doubt then doubt(subject)
        end
      end
    end

    # @param station [Station, nil] where something may have landed without a word
    def doubt(station)
      @doubt = true
      station.landed = true if station
    end

    def station(queue)
      @stations.find { |station| station.queue == queue }
    end

    # What a tick found. Redis had more to say than the parked connections: a reply of theirs was lost, or a level was resumed.
    def wake(queue, process, landed, waiting, suspects, keeper, unknown)
      station = station(queue)
      return unless station && station.process == process

      station.landed = true if landed.positive?
      station.stir if waiting.positive?
      station.suspects = suspects
      station.keeper = keeper.positive?
      station.unknown ||= unknown.positive?
    end

    # For good: what was claimed is finished, and nothing is begun any more.
    def quieten
      @logger.info("tempest worker quiet: it claims no more jobs") unless @quiet
      @knows = !@quiet
      @quiet = true
      @next_round = 0
    end

    def serve(station)
      station.know_nothing(@line) if @quiet && @knows
      give_up(station) if station.unknown
      woken = station.landed
      start(station, station.adopt(@line)) if woken
      start(station, station.claim(@line, room)) if room.positive? && (woken || !station.dry)
      @parks.want(station, room.positive? && station.dry)
    rescue Fenced
      renew(station)
    rescue Resync
      start(station, station.resync(@line))
    end

    # Jobs that nobody has a handler for need no room: none of them is run.
    def give_up(station)
      station.unknown = false
      GIVE_UP_CALLS.times do
        claims = station.take_unknown(@line)
        break if claims.empty?

        station.mark_cancelled(@line, claims)
        claims.each { |claim| @settlement.add(@runner.unknown(claim)) }
        @settlement.settle(@line)
      end
    end

    # Runs as many as there is room for; the rest goes back at once, for workers that have some.
    def start(station, claims)
      run = claims.first(room)
      surplus = claims.drop(run.size)
      station.mark_cancelled(@line, run) unless run.empty?
      begin_now(station.begin_once(@line, run))
      station.give_back(@line, surplus) unless surplus.empty?
    end

    def begin_now(claims)
      @free -= claims.size
      @pool.push(claims)
    end

    # A job that is to be run alone is taken when this worker holds nothing. One that is busy leaves it to others, but for the
    # keeper of the clock, which finishes what it has and begins nothing else: so somebody always comes to it.
    def run_alone
      @alone = nil if @alone == :runs && idle?
      return if @alone == :runs || @quiet

      station = @stations.find { |candidate| candidate.suspects.positive? }
      if station && idle?
        @alone = :waits
        begin_alone(station)
      else
        drains = station&.keeper
        @logger.info(LogLine.of("a job that crashed its process waits to run alone: nothing else is begun", queue: station.queue)) if drains && !@alone
        @alone = drains ? :waits : nil
      end
    end

    # Nothing may land any more, and what did goes back: there is no room.
    def begin_alone(station)
      return unless @parks.rest(@line)

      @stations.each { |candidate| return_landed(candidate) }
      claims = station.suspect(@line)
      station.mark_cancelled(@line, claims)
      claims = station.begin_once(@line, claims)
      claims.each do |claim|
        @logger.info(LogLine.of("a job that crashed its process runs alone", queue: station.queue, level: claim.level, claim: claim.field))
      end
      begin_now(claims)
      station.suspects = claims.empty? ? 0 : station.suspects - 1
      station.keeper = false
      @alone = claims.empty? ? nil : :runs
      @stations.each(&:stir)
    rescue Fenced
      renew(station)
    end

    def return_landed(station)
      start(station, station.adopt(@line))
    rescue Fenced
      renew(station)
    end

    def idle?
      @free == @worker.concurrency && @settlement.over? && @stations.all? { |station| station.held.empty? }
    end

    # What was reported while Redis could not be asked.
    def catch_up
      while (queue, process = @refused.first)
        station = station(queue)
        renew(station) if station && station.process == process
        @refused.shift
      end
      return unless @recheck

      @stations.each { |station| recheck(station) }
      @recheck = false
    end

    def recheck(station)
      station.recheck(@line)
    rescue Fenced
      renew(station)
    end

    # Begins anew on one queue: others have given its jobs away.
    def renew(station)
      if station.process
        @logger.warn(LogLine.of("fenced: what it ran is dropped, and a new process begins", queue: station.queue, process: station.process))
      end
      @heartbeat.forget(station.queue, station.process) if station.process
      station.abandon
      # Parked connections still wait under the old name.
      @parks.rest(@line, [station])
      open(station)
      @logger.info(LogLine.of("joined again", queue: station.queue, process: station.process))
      @next_round = 0
    end

    # This connection says nothing while there is nothing to do, and would not notice that Redis has gone and come back. If it is broken,
    # that is found out here; what stands between may also have kept it, with another Redis behind it. Who may not ask is never sure.
    def probe
      @doubt = false
      known = @identity
      @identity = @line.identity
      return if known && known == @identity

      @logger.debug("Redis may be another one: comparing what it holds with what runs")
      compare
    end

    # Step 8 of the protocol: connect anew, and compare.
    def recover(error)
      wait_for_redis(error)
      # Who is to stop has no time for a Redis that hangs.
      @line.hurry(LAST_TRY) unless @stops.zero?
      end_old_line
      compare
      @backoff.reset
      @outage.back(:dispatcher)
    rescue ConnectionLost, ServerError => e
      error = e
      retry if @stops.zero?
    end

    # Says hello, adopts, and compares what Redis holds with what runs.
    def compare
      Functions.ensure_loaded(@line)
      @stations.each { |station| rejoin(station) }
      @next_round = 0
      @recheck = true
    end

    # A claim that is still on its way on the old connection must not be carried out after the comparison. Within one run of a
    # server a client's id is never given to another.
    def end_old_line
      old = @identity
      @identity = @line.identity
      return unless old && @identity && old != @identity && old[/\A\h+/] == @identity[/\A\h+/]

      @line.call("CLIENT", "KILL", "ID", old[/\d+\z/])
    rescue ServerError => e
      # It is gone, or this user may end no connections.
      @logger.debug("the old connection #{old}: #{e.message}")
    end

    def rejoin(station)
      return renew(station) unless station.process

      old = station.rejoin(@line, @parks.identities(station))
      OldConnections.end_all(@line, station.process, old)
      start(station, station.adopt(@line))
      start(station, station.resync(@line))
    rescue Fenced
      renew(station)
    end

    def wait_for_redis(error)
      seconds = @backoff.next
      if error.is_a?(ServerError) && error.denied?
        # Trouble with Redis passes. A right that is missing does not, and is an error each time.
        @logger.error(LogLine.of("Redis refuses what this worker needs; trying again", error: error.message))
      else
        @outage.lost(:dispatcher, error)
      end
      @line.close
      over = Tempest.now + seconds
      while @stops.zero? && (left = over - Tempest.now).positive?
        note(@mailbox.take(left))
      end
    end

    # Finishes what runs, for as long as the grace lasts or until the second word to stop.
    def drain
      over = Tempest.now + @worker.grace
      @logger.info(LogLine.of("tempest worker stopping: it claims no more jobs; stop it again to give back at once what it runs",
                              grace_s: @worker.grace))
      # First: another worker may have to take what waits for one that knows its action.
      attempt { @stations.each { |station| forget_actions(station) } }
      attempt { @parks.end_all(@line) }
      attempt { look_around }
      while @stops == 1 && unfinished? && (left = over - Tempest.now).positive?
        note(@mailbox.take(@settlement.over? ? left : [left, 0.2].min))
        @settlement.resume
        attempt { @settlement.settle(@line) }
      end
      busy = @worker.concurrency - @free
      @logger.warn(LogLine.of("handlers still run: their jobs go back to the queue", jobs: busy)) if busy.positive?
    end

    def forget_actions(station)
      station.know_nothing(@line)
    rescue Fenced
      renew(station)
    end

    def unfinished?
      @free < @worker.concurrency || !@settlement.over?
    end

    # The last word to Redis, and to the threads and the process that were started.
    def finish
      @direct&.close
      leave_behind if @pool
      unheard = @stations.filter_map { |station| attempt { station.goodbye(@line) } }.first
      if unheard
        @logger.warn(LogLine.of("Redis did not hear the goodbye: other workers take what is left when the lease is over", error: unheard))
      end
      attempt { @node.remove(@line) }
      @heartbeat&.close(@gone ? LAST_TRY : Heartbeat::ENDING)
      @pool&.close
      @parks&.close
      [@line, @sender].compact.each(&:close)
      @logger.info("tempest worker stopped")
    end

    # Jobs that are to be run once do not go back once they run: their callers are told.
    def leave_behind
      note(@mailbox.take(0))
      attempt { @settlement.settle(@line) }
      left = @stations.flat_map { |station| station.held.values }.select { |claim| claim.once && claim.started }
      left.each { |claim| @settlement.add(@runner.interrupted(claim)) }
      attempt { @settlement.settle(@line) } unless left.empty?
    end

    # Once, and once more on a new connection; a Redis that is gone, or hangs, must not keep a worker from ending.
    # @return [String, nil] why it was in vain
    def attempt
      tries = 0
      begin
        yield
        @gone = false
        nil
      rescue ConnectionLost, ServerError => e
        tries += 1
        @logger.debug("while stopping: #{e.message}")
        @line.hurry(LAST_TRY) if e.is_a?(ConnectionLost)
        sleep(0.2)
        retry if tries < 2 && !@gone
        @gone = e.is_a?(ConnectionLost)
        e.message
      end
    end
  end
end
