# frozen_string_literal: true

# What a program that gives work away begins with: push and forget, call and wait, or stream.

module Tempest
  # A producer and caller. Safe to share between threads; after a fork the child gets connections and inboxes of its own. One that nobody
  # closes is closed some seconds after nothing refers to it.
  #
  # @example
  #   client = Tempest::Client.new(queue: "texts")
  #   client.push("index", "a text")                       # nobody waits
  #   client.call("wordcount", "a b a", timeout: 5)        # => {"words" => 3, …}
  #   client.stream("count", 3) { |value| puts value }
  #   client.close
  class Client
    # Seconds that call and stream wait.
    TIMEOUT = 30
    # Seconds that a Redis is waited for that is away, and that an inbox may take to be registered.
    PATIENCE = 5
    # What one RPUSH carries at most.
    PUSH_JOBS = 500
    PUSH_BYTES = 1_048_576
    # Seconds for which a cancelled job is remembered, unless cancel says otherwise.
    CANCELLED = 86_400
    # Seconds after which Redis is asked for its time again: its clock may be set, and another Redis may take its place.
    CLOCK = 1

    # @param queue [String] where jobs go unless a call says otherwise
    # @param redis_url [String] redis://, rediss:// or unix:// (docs/redis-url.md), by default that of
    #   the environment (REDIS_URL, REDISTOGO_URL, REDISCLOUD_URL)
    # @param codec [String, Symbol] json, msgpack or tnetstring
    # @param logger [Logger, nil] nil: silent
    # @param four_elements [Boolean] whether jobs never have a fifth element, for workers that do not know it; then nothing tells
    #   them when a caller has stopped waiting
    # @param patience [Numeric] seconds that each method waits for a Redis that is away or still loads, before {ConnectionLost}; a call or a
    #   stream at most as long as its timeout; 0: one attempt. A user or password that Redis refuses is a {ServerError} at once. What was
    #   sent is never sent again (docs/redis-away.md)
    def initialize(queue: "tempest", redis_url: RedisURL.environment, codec: :json, logger: nil,
                   four_elements: false, patience: PATIENCE)
      @queue = Keys.check_queue(queue)
      @url = redis_url
      @codec = Codecs.named(codec)
      @logger = logger
      @four_elements = four_elements
      raise ArgumentError, "patience is seconds from 0 on, not #{patience.inspect}" unless patience.is_a?(Numeric) && patience >= 0

      @patience = patience
      @lock = Mutex.new
      @closed = false
      @inboxes = {}
      # Their threads know the inboxes alone, so that they do not keep the client.
      ObjectSpace.define_finalizer(self, Client.abandon(@inboxes))
      begin_process
    end

    # @api private
    # @param inboxes [Hash{String => Inbox}]
    # @return [Proc] what a collected client leaves to be done
    def self.abandon(inboxes) = proc { inboxes.each_value(&:abandon) }

    # Pushes a job that nobody waits for.
    #
    # @param args [Array] the handler's arguments
    # @param level [String, Symbol] high, default, low or any other that the workers serve
    # @param meta [Hash] goes along untouched
    # @param after [Numeric, nil] seconds from now; the job waits in Redis until then
    # @param at [Time, nil] the same as a time of day
    # @param options [Hash] attempts: how often it is run at most (Integer); backoff: [first, longest] seconds between attempts;
    #   timeout: seconds that a run may take; expires: seconds from now, or a Time, after which it is not begun any more;
    #   route: what is done with the answer, step by step (Array): each is an action, or a hash of action, queue (else that of the
    #   job before it), level and a route of its own; an array of such runs in parallel, and what follows gets all their answers;
    #   once: whether it is not run again when a worker ends while it runs it: it is dead then, as `interrupted`, and a caller gets
    #   that RemoteError
    # @return [String] the job's id
    # @raise [CodecError] nothing was sent
    # @raise [ConnectionLost] it may or may not have been pushed
    def push(action, *args, queue: @queue, level: "default", codec: @codec, meta: {}, after: nil, at: nil, **options)
      due = JobOptions.due(after, at)
      job = job(action, args, codec, JobOptions.meta(meta, method(:clock), **options))
      send_jobs(queue, level, [job.encode], due)
      job.job_id
    end

    # Pushes many jobs that nobody waits for, in as few commands as possible.
    #
    # @param jobs [Enumerable<Array>] `[action, *args]` each
    # @param options [Hash] as of {push}, for all of them
    # @return [Array<String>] the jobs' ids, in their order
    # @raise [CodecError] nothing was sent
    # @raise [ConnectionLost] some may have been pushed
    def push_many(jobs, queue: @queue, level: "default", codec: @codec, after: nil, at: nil, **options)
      due = JobOptions.due(after, at)
      meta = JobOptions.meta({}, method(:clock), **options)
      made = jobs.map { |action, *args| job(action, args, codec, meta) }
      send_jobs(queue, level, made.map(&:encode), due)
      made.map(&:job_id)
    end

    # Cancels a job: if it waits it is not run any more, and if it runs its handler is told, which may or may not heed it.
    #
    # @param job_id [String, Integer]
    # @param keep [Numeric] seconds for which that is remembered, up to 30 days
    # @return [Integer] how many workers heard of it at once
    # @raise [ConnectionLost] it may or may not be known
    def cancel(job_id, queue: @queue, keep: CANCELLED)
      connection = line
      connection.fcall("cancel", Keys.check_queue(queue), job_id, JobOptions.milliseconds("keep", keep))
    end

    # Sends frames to a WebSocket connection whose jobs came by that queue with that respond_to and job_id.
    #
    # @param queue [String] of any of its jobs, as {Context#queue}
    # @param respond_to [String] of any of its jobs, as {Context#respond_to}
    # @param job_id [String, Integer]
    # @param frames [Array<String, Hash>] text, bytes (ASCII-8BIT), or what {Sockets.close} returns
    # @return [Boolean] whether its front is still there; one that is drops what comes for a connection that has ended
    # @raise [ArgumentError] for a respond_to that is none, and for what is no frame
    # @raise [ConnectionLost] they may or may not have been sent
    def tell(queue, respond_to, job_id, frames, action: "websocket", codec: @codec)
      address = Address.parse(respond_to)
      raise ArgumentError, "respond_to is an inbox, or an inbox @ queue, not #{respond_to.inspect}" unless address&.usable?

      place = address.kind == :elsewhere ? address.queue : Keys.check_queue(queue)
      answer = Answer.new(action: action, job_id: job_id, args: Sockets.check(frames), meta: {},
                          codec: codec.is_a?(Module) ? codec : Codecs.named(codec)).encode
      connection = line
      connection.fcall("tell", place, address.inbox, answer) == 1
    end

    # Pushes a job and waits for its last answer.
    #
    # A worker does not begin it any more when the time is over: the job carries its deadline.
    #
    # @param timeout [Numeric, nil] seconds in all; nil: as long as it takes
    # @param run_timeout [Numeric, nil] seconds that a run may take
    # @param options [Hash] attempts, backoff, expires, route and once, as of {push}
    # @return [Object] what the handler returned; of a handler that sent several answers, the last
    # @raise [RemoteError] the job failed
    # @raise [CallTimeout] no last answer in time
    # @raise [ConnectionLost] Redis is away, or cannot serve now: the job may or may not have been pushed
    def call(action, *args, queue: @queue, level: "default", codec: @codec, timeout: TIMEOUT, run_timeout: nil, meta: {}, **options)
      timeout = JobOptions.patience(timeout)
      over = timeout && Tempest.now + timeout
      meta = caller_meta(meta, over, run_timeout, options)
      asked(action, args, queue, level, codec, meta, over, whole: true) do |expected|
        value(next_answer(expected, over, action, queue))
      end
    end

    # Pushes a job and gives its answers one by one, in order. Leaving the block before the end (`break`, an exception) cancels the job.
    #
    # @param timeout [Numeric, nil] seconds to wait for each answer; a job that has not been begun by then is not begun any more
    # @param run_timeout [Numeric, nil] seconds that a run may take
    # @param credits [Integer, nil] how many answers may wait here: the worker pauses when there are so many, and fails with the RemoteError
    #   `stalled` when none is taken for 30 seconds; more than 1,000,000 count as these. nil: it never pauses, and all wait here
    # @param options [Hash] attempts, backoff, expires, route and once, as of {push}
    # @yieldparam value [Object]
    # @return [nil, Enumerator] an Enumerator without a block; it pushes the job when it is first asked
    # @raise [RemoteError] the job failed, or was run again in the middle (`interrupted`)
    # @raise [CallTimeout] no next answer in time
    # @raise [ConnectionLost] as {call}
    def stream(action, *args, queue: @queue, level: "default", codec: @codec, timeout: TIMEOUT, run_timeout: nil, meta: {},
               credits: Credits::DEFAULT, **options, &block)
      credits = Credits.check(credits)
      unless block
        return enum_for(:stream, action, *args, queue: queue, level: level, codec: codec, timeout: timeout, run_timeout: run_timeout,
                                                meta: meta, credits: credits, **options)
      end

      timeout = JobOptions.patience(timeout)
      over = timeout && (Tempest.now + timeout)
      meta = caller_meta(meta, over, run_timeout, options)
      meta = { "credits" => credits }.merge(meta) if credits && !@four_elements
      asked(action, args, queue, level, codec, meta, over) do |expected, inbox|
        each_value(expected, inbox, timeout, action, queue, &block)
      end
      nil
    end

    # Publishes an event to the browsers that follow a channel at a front of this database.
    #
    # @param data [Object] text is sent as it is, anything else as JSON
    # @param event [String, Symbol] what browsers know it by; without it, `message`
    # @param keep [Integer] how many of the channel's events are kept, for browsers that come back: 0 to 100000
    # @return [Integer] how many fronts heard it at once
    # @raise [ArgumentError, CodecError] nothing was published
    # @raise [ConnectionLost] it may or may not have been published
    def publish(channel, data, event: "", keep: 100)
      name = event.to_s.encode(Encoding::UTF_8)
      raise ArgumentError, "an event has no CR, LF or NUL, and #{name.inspect} has" if name.match?(/[\r\n\0]/)

      publish_message(channel, JSONCodec.encode([name, data]), keep)
    end

    # Ends the streams of all browsers that follow a channel now.
    #
    # @return [Integer] how many fronts heard it
    def end_streams(channel)
      publish_message(channel, '["$unsubscribe"]', 0)
    end

    # @return [Integer] answers that came for jobs which nobody waited for any more
    def late
      @lock.synchronize { @inboxes.each_value.sum(&:late) }
    end

    # Ends all waiting with {ClientClosed}, cancels the jobs of streams that were not read to the end, and deletes the inboxes.
    # @return [void]
    def close
      inboxes = @lock.synchronize do
        @closed = true
        @inboxes.values
      end
      inboxes.each { |inbox| inbox.close(@line) } if @pid == Process.pid
      @line.close
      nil
    end

    private

    def publish_message(channel, message, keep)
      channel = Keys.check_channel(channel)
      connection = line
      know_library(connection) unless connection.database.zero?
      connection.fcall("publish", Keys.history(channel), channel, keep, message, connection.database)[1]
    end

    # An earlier library would publish where the fronts of database 0 listen, and those of this one do not: it is looked for once.
    def know_library(connection)
      @library ||= Functions.ensure_loaded(connection)
    end

    # Redis is there when it returns.
    #
    # @param over [Float, nil] when the call is over
    # @return [Hash] the meta of a job that somebody waits for
    def caller_meta(meta, over, run_timeout, options)
      patient = limit(over)
      line(patient)
      clock = -> { clock(patient) }
      meta = JobOptions.meta(meta, clock, timeout: run_timeout, **options)
      deadline = JobOptions.deadline(over && [over - Tempest.now, 0].max, clock) unless @four_elements
      deadline ? { "deadline" => deadline }.merge(meta) : meta
    end

    def begin_process
      @pid = Process.pid
      @line = Connection.new(@url, at_once: true)
      @inboxes.clear
      @outage = Outage.new(@logger)
      @clock = nil
    end

    # Redis' clock, asked for again from time to time, and by each new connection.
    #
    # @return [RedisClock, nil] nil: this user may not ask for it
    def clock(over = limit)
      connection = line(over)
      return @clock if @clock && Tempest.now - @clock_set < CLOCK && @clock_of == connection.number

      made = RedisClock.new.set(connection)
      @clock_set = Tempest.now
      @clock_of = connection.number
      @clock = made
    rescue ServerError => e
      raise unless e.code == "NOPERM"

      nil
    end

    # Connections and threads do not survive a fork.
    def check_process
      raise ClientClosed, "the client is closed" if @closed

      begin_process unless @pid == Process.pid
    end

    # @return [Connection] one that answers; waited for as long as the patience lasts, or until `over`
    # @raise [ConnectionLost] Redis is still away; one attempt is made in any case
    def line(over = limit)
      backoff = Backoff.new
      begin
        connection = @lock.synchronize do
          check_process
          @line
        end
        connection.greet
        @outage.back(:client)
        connection
      rescue ConnectionLost => e
        @outage.lost(:client, e)
        left = over - Tempest.now
        give_up unless left.positive?

        sleep([left, backoff.next].min)
        retry
      end
    end

    # Where an exception is being handled: raises it.
    def give_up
      @outage.rest(:client)
      raise
    end

    # @param over [Float, nil] when a call is over
    # @return [Float] until when Redis is waited for
    def limit(over = nil)
      [Tempest.now + @patience, over].compact.min
    end

    def inbox(queue)
      @lock.synchronize do
        check_process
        queue = Keys.check_queue(queue)
        @inboxes.delete(queue) if @inboxes[queue]&.refused?
        @inboxes[queue] ||= Inbox.new(queue, @url, @logger, @outage)
      end
    end

    def job(action, args, codec, meta, respond_to = nil)
      if @four_elements && !meta.empty?
        raise ArgumentError, "a client with four_elements writes no meta, and these are given: #{meta.keys.join(', ')}"
      end

      name = Envelope.check_action(action.to_s.encode(Encoding::UTF_8))
      Job.new(action: name, args: args, respond_to: respond_to, job_id: Job.new_id, meta: meta,
              codec: codec.is_a?(Module) ? codec : Codecs.named(codec))
    rescue Refused => e
      raise ArgumentError, e.message
    end

    # One try: a job that was sent twice would be run twice.
    #
    # @param due [String, nil] as JobOptions makes it; nil: now
    def send_jobs(queue, level, payloads, due = nil, over = limit)
      key = Keys.level(Keys.check_queue(queue), Keys.check_level(level))
      connection = line(over)
      transmit = lambda do |batch|
        due ? connection.fcall("delay", queue, due, level, *batch) : connection.call("RPUSH", key, *batch)
      end
      batch = []
      payloads.each do |payload|
        if batch.size == PUSH_JOBS || (batch.any? && batch.sum(&:bytesize) + payload.bytesize > PUSH_BYTES)
          transmit.call(batch)
          batch = []
        end
        batch << payload
      end
      transmit.call(batch) unless batch.empty?
    end

    # Pushes a job, and yields what its answers are taken from.
    def asked(action, args, queue, level, codec, meta, over, whole: false)
      inbox = inbox(queue)
      job = job(action, args, codec, meta, inbox.id)
      payload = job.encode
      inbox.await_registered([Tempest.now + PATIENCE, over].compact.min)
      # What is out of bounds says nothing to the worker either.
      window = whole ? 0 : Bounds.number(meta, "credits") || 0
      expected = inbox.expect(ExpectedAnswers.new(job.job_id, whole: whole, window: window))
      send_jobs(queue, level, [payload], nil, limit(over))
      yield expected, inbox
    ensure
      inbox.forget(expected) if expected
    end

    def next_answer(expected, over, action, queue)
      expected.take(over) || raise(CallTimeout, "no answer to #{action} (job #{expected.job_id}) from queue #{queue} in time")
    end

    # Yields each value in order; an answer without args has none.
    def each_value(expected, inbox, timeout, action, queue)
      # What is said of a stream waits for no Redis: the inbox says it again.
      credits = Credits.new(-> { line(Tempest.now) }, queue, expected, timeout, @logger) { |job_id| inbox.leave(job_id) }
      loop do
        answer = next_answer(expected, timeout && (Tempest.now + timeout), action, queue)
        credits.note if answer.more?
        yield value(answer) unless answer.args.empty?
        break unless answer.more?
      end
    ensure
      credits&.close
    end

    def value(answer)
      answer.args.size > 1 ? answer.args : answer.args.first
    end
  end
end
