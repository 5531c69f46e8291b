# frozen_string_literal: true

# The worker's loop, in one thread with one connection: adopt, claim, hand to the pool, settle what comes back, park when
# there is nothing; and what to do when Redis goes away, says FENCED, or the operator says stop.

module Tempest
  # Moves jobs between Redis and the pool until it is told to stop.
  class Dispatcher
    # Seconds between claims that nothing woke, in case a reply was lost.
    TICK = 1.0
    # What one settle carries at most.
    SETTLE_JOBS = 500
    SETTLE_BYTES = 4 * 1024 * 1024

    # @param worker [Worker] for its settings
    # @param handlers [HandlerTable]
    # @param mailbox [Mailbox] also gets `:stop`, once for "finish what runs", twice for "now"
    def initialize(worker, handlers, mailbox)
      @worker = worker
      @logger = worker.logger
      @handlers = handlers
      @mailbox = mailbox
      @stations = worker.queues.map { |queue| Station.new(queue, worker.levels, worker.name) }
      @free = worker.concurrency
      @outbox = []
      @postponed = []
      @stops = 0
      @next_tick = 0
      @backoff = Backoff.new
    end

    # @return [void] once stopped
    # @raise [ServerError] if Redis refuses what a worker needs at the start
    def run
      @line = Connection.new(@worker.redis_url)
      @sender = Connection.new(@worker.redis_url)
      register
      return unless @stops.zero?

      begin_work
      step while @stops.zero?
      drain
    ensure
      finish
    end

    private

    # Registers on every queue, and tries until Redis is there or the worker is stopped.
    def register
      Functions.ensure_loaded(@line)
      @stations.each { |station| station.open(@line) unless station.process }
    rescue ConnectionLost, ServerError => e
      raise if e.is_a?(ServerError) && !e.passing?

      wait_for_redis(e)
      retry if @stops.zero?
    end

    def begin_work
      @heartbeat = Heartbeat.new(@worker.redis_url, @worker.beat_interval, @mailbox, @logger)
      @stations.each { |station| @heartbeat.watch(station.queue, station.process) }
      @parks = @stations.to_h do |station|
        [station, @worker.levels.map { |level| [level, Park.new(station, level, @worker.redis_url, @mailbox, @logger)] }]
      end
      @pool = Pool.new(@worker.concurrency, Runner.new(@handlers, @sender, @logger), @mailbox)
      @backoff.reset
      @logger.info("tempest worker ready: queues #{@worker.queues.join(', ')}; levels #{@worker.levels.join(', ')}; " \
                   "actions #{@handlers.actions.join(', ')}; concurrency #{@worker.concurrency}; " \
                   "redis #{@line.place}; pid #{Process.pid}")
    end

    def step
      note(@mailbox.take(patience))
      tick = Tempest.now >= @next_tick
      if tick
        @next_tick = Tempest.now + TICK
        @outbox.concat(@postponed.slice!(0..))
      end
      settle
      @stations.rotate!.each { |station| serve(station, tick) } if @stops.zero?
    rescue ConnectionLost, ServerError => e
      recover(e)
    end

    # Seconds that the loop may sleep.
    def patience
      return 0 unless @outbox.empty? && @stations.none?(&:landed)
      return 0 if @free.positive? && @stations.any? { |station| !station.dry }

      [@next_tick - Tempest.now, 0].max
    end

    def note(events)
      events.each do |kind, subject|
        case kind
        when :outcome
          @free += 1
          @outbox << subject unless subject.claim.lost?
        when :stop then @stops += 1
        when :fenced
          station = @stations.find { |candidate| [candidate.queue, candidate.process] == subject }
          renew(station, "the beat was refused") if station
        end
      end
    end

    def serve(station, tick)
      woken = station.landed || tick
      start(station, station.adopt(@line)) if woken
      start(station, station.claim(@line, @free)) if @free.positive? && (woken || !station.dry)
      park(station, @free.positive? && station.dry)
    rescue Fenced => e
      renew(station, e.message)
    rescue Resync
      start(station, station.resync(@line))
    end

    def park(station, wanted)
      @parks.fetch(station).each { |level, park| park.wanted = wanted && !station.landed && station.open_level?(level) }
    end

    # Runs as many as there are free slots; the rest goes back at once, for workers that have some.
    def start(station, claims)
      run = claims.first(@free)
      surplus = claims.drop(run.size)
      @free -= run.size
      run.each { |claim| @pool.push(claim) }
      station.give_back(@line, surplus) unless surplus.empty?
    end

    # Begins anew on one queue: others have given its jobs away.
    def renew(station, why)
      @logger.warn("fenced on #{station.queue}: #{why}; beginning as a new process")
      @heartbeat&.forget(station.queue, station.process) if station.process
      park(station, false)
      station.open(@line)
      # Parked connections still wait under the old name.
      unblock(station)
      @heartbeat&.watch(station.queue, station.process)
    end

    def unblock(station)
      @parks.fetch(station).each { |_, park| park.unblock(@line) }
    end

    # Applies the outcomes in batches, each in one call.
    def settle
      @outbox.reject! { |outcome| outcome.claim.lost? }
      until @outbox.empty?
        station = @outbox.first.claim.station
        batch = batch_for(station)
        apply(station, batch)
        @outbox -= batch
      end
    end

    def batch_for(station)
      bytes = 0
      own = @outbox.select { |outcome| outcome.claim.station.equal?(station) }.first(SETTLE_JOBS)
      fitting = own.take_while { |outcome| (bytes += outcome.bytesize) <= SETTLE_BYTES }
      fitting.empty? ? own.first(1) : fitting
    end

    def apply(station, batch)
      batch -= batch.select(&:elsewhere?).reject { |outcome| deliver(outcome) }
      return if batch.empty?

      station.settle(@line, batch).zip(batch) do |reply, outcome|
        next unless reply.zero?

        @logger.warn("#{outcome.claim.field} on #{station.queue} was given to another process; its answer is dropped")
      end
    rescue Fenced => e
      renew(station, e.message)
    rescue ServerError => e
      raise if e.passing?

      # Nothing was settled. One at a time, so that one bad outcome does not hold up the others.
      if batch.size == 1
        field = batch.first.claim.field
        @logger.error("#{field} on #{station.queue} cannot be settled: #{e.message}; it is given back at the end")
      else
        batch.each { |outcome| apply(station, [outcome]) }
      end
    end

    # An answer to another queue goes ahead of its settle. While Redis has no room for it, both wait.
    # @return [Boolean] whether the outcome may be settled
    def deliver(outcome)
      Elsewhere.push(@line, outcome.address, outcome.answer)
      outcome.delivered = true
    rescue ServerError => e
      raise if e.passing?

      @postponed << outcome if e.full?
      # No list, or no right to write to it: nobody can be answered there, and the job is done all the same.
      where = "#{outcome.address.inbox}@#{outcome.address.queue}"
      @logger.warn("an answer to #{where} #{e.full? ? 'waits' : 'is dropped'}: #{e.message}")
      !e.full?
    end

    # Step 8 of the protocol: connect anew, say hello, adopt, and compare.
    def recover(error)
      wait_for_redis(error)
      Functions.ensure_loaded(@line)
      @stations.each { |station| rejoin(station) }
      @backoff.reset
      @next_tick = 0
      @logger.info("connected to Redis again")
    rescue ConnectionLost, ServerError => e
      error = e
      retry if @stops.zero?
    end

    def rejoin(station)
      return renew(station, "it was not registered yet") unless station.process

      mine = @parks.fetch(station).filter_map { |_, park| park.identity }
      run_id = @line.identity.to_s[/\A\h+/]
      station.rejoin(@line, mine).each { |identity| end_connection(identity) if run_id && identity.start_with?("#{run_id}/") }
      start(station, station.adopt(@line))
      start(station, station.resync(@line))
    rescue Fenced => e
      renew(station, e.message)
    end

    # A parked connection that Redis still believes in might land a job that nobody sees.
    def end_connection(identity)
      @line.call("CLIENT", "KILL", "ID", identity[/\d+\z/])
    rescue ServerError => e
      @logger.debug("connection #{identity}: #{e.message}")
    end

    def wait_for_redis(error)
      seconds = @backoff.next
      @logger.warn("#{error.message}; trying again in #{seconds.round(1)} s")
      @line.close
      over = Tempest.now + seconds
      while @stops.zero? && (left = over - Tempest.now).positive?
        note(@mailbox.take(left))
      end
    end

    # Finishes what runs, for as long as the grace lasts or until the second word to stop.
    def drain
      over = Tempest.now + @worker.grace
      running = @worker.concurrency - @free
      @logger.info("stopping: no more claims; #{running} running, grace #{@worker.grace} s")
      attempt { end_parks }
      while @stops == 1 && unfinished? && (left = over - Tempest.now).positive?
        note(@mailbox.take(@outbox.empty? && @postponed.empty? ? left : [left, 0.2].min))
        @outbox.concat(@postponed.slice!(0..))
        attempt { settle }
      end
    end

    def unfinished?
      @free < @worker.concurrency || !@outbox.empty? || !@postponed.empty?
    end

    # Again and again, because a wait may have been on its way when the first word to end it came.
    def end_parks
      parks = @parks.values.flatten.grep(Park)
      parks.each(&:close)
      over = Tempest.now + Park::WAIT + Connection::TIMEOUT
      until parks.empty? || Tempest.now > over
        parks.each { |park| park.unblock(@line) }
        parks.reject! { |park| park.join(0.05) }
      end
    end

    # The last word to Redis, and to the threads and the process that were started.
    def finish
      attempt { settle } if @pool
      @stations.each do |station|
        attempt do
          returned = station.goodbye(@line)
          @logger.info("left #{station.queue}; #{returned} given back") if returned.positive?
        end
      end
      @heartbeat&.close
      @pool&.close
      @parks&.each_value { |parks| parks.each { |_, park| park.close } }
      [@line, @sender].compact.each(&:close)
    end

    # Once, and once more on a new connection; a Redis that is gone must not keep a worker from ending.
    def attempt
      tries = 0
      begin
        yield
      rescue ConnectionLost, ServerError => e
        tries += 1
        @logger.warn("while stopping: #{e.message}")
        sleep(0.2)
        retry if tries < 2 && !@gone
        @gone = e.is_a?(ConnectionLost)
      end
    end
  end
end
