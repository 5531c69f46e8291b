# frozen_string_literal: true

# What a program that answers queues begins with: settings, handlers, run. The work is the Dispatcher's.

require "logger"

module Tempest
  # A worker of tier 1.
  #
  # Handlers run in `concurrency` threads of this one process; the beat that keeps the worker's claims alive, and takes over
  # those of workers that died, runs in a small process of its own: a handler that holds the interpreter's lock for long slows
  # its neighbours but loses nothing.
  #
  # @example
  #   worker = Tempest::Worker.new("texts", concurrency: 4)
  #   worker.handle("shout") { |text| text.upcase }
  #   worker.handle("count", context: true) do |context, upto|
  #     upto.times { |i| context.send_answer(i) }
  #     nil
  #   end
  #   worker.run     # until SIGTERM or SIGINT
  class Worker
    LEVELS = %w[high default low].freeze
    # Seconds that handlers have to finish after the word to stop.
    GRACE = 25
    # Seconds without a beat after which others take this process's jobs.
    LEASE = 10
    # Seconds that a job whose action has no handler here waits for a worker that has one.
    UNKNOWN_PATIENCE = 60
    # A shorter lease would be over before the beat process has started.
    LEASES = (1..86_400).freeze

    attr_reader :queues, :levels, :weights, :redis_url, :concurrency, :grace, :lease, :unknown_patience, :direct_answers, :name, :logger

    # @param queues [String, Array<String>] queues to serve
    # @param levels [Array<String>] in the order in which they are served: strict priority
    # @param weights [Hash{String, Symbol => Integer}, nil] instead of levels: each gets jobs by its weight, 1 to 1000
    # @param redis_url [String] redis://, rediss:// or unix:// (docs/redis-url.md), by default that of
    #   the environment (REDIS_URL, REDISTOGO_URL, REDISCLOUD_URL)
    # @param concurrency [Integer] how many handlers run at a time, 1 to 1000
    # @param grace [Numeric] seconds that handlers have to finish after the word to stop
    # @param lease [Numeric] seconds without a sign of life, 1 to 86,400, after which other workers take over this one's jobs
    # @param unknown_patience [Numeric] seconds, 0 to 86,400, that a job whose action has no handler here waits for a worker that has one, such
    #   as in a deploy of one worker after another; a caller's at most half of the time that it still waits. As long as such a worker is
    #   there the job waits on. 0: it is dead at once
    # @param direct_answers [AllowedNetworks, nil] where callers of node-tempest may be, which listen themselves and are answered directly
    #   (docs/original.md); nil: their jobs are dead, bad_address. With it, arguments that are no array are read as one argument
    # @param name [String] the beginning of the name under which this process is registered; TEMPEST_PROCESS in the environment
    #   goes before it
    # @param logger [Logger] by default one line each on standard error
    # @raise [ArgumentError] for names that the protocol does not allow
    def initialize(queues, levels: nil, weights: nil, redis_url: RedisURL.environment, concurrency: 4,
                   grace: GRACE, lease: LEASE, unknown_patience: UNKNOWN_PATIENCE, direct_answers: nil, name: nil,
                   logger: Worker.default_logger)
      @queues = Array(queues).map { |queue| Keys.check_queue(queue) }.uniq.freeze
      raise ArgumentError, "give levels (strict priority) or weights, not both" if levels && weights

      @levels = (weights ? Weights.new(weights).levels : Array(levels || LEVELS).map { |level| Keys.check_level(level) }.uniq).freeze
      @weights = weights
      raise ArgumentError, "a worker needs at least one queue and one level" if @queues.empty? || @levels.empty?
      raise ArgumentError, "concurrency is 1 to 1000, not #{concurrency.inspect}" unless (1..1000).cover?(Integer(concurrency))
      raise ArgumentError, "lease is 1 to 86400 seconds, not #{lease.inspect}" unless LEASES.cover?(Float(lease))

      unless (0..86_400).cover?(Float(unknown_patience))
        raise ArgumentError, "unknown_patience is 0 to 86400 seconds, not #{unknown_patience.inspect}"
      end

      unless direct_answers.nil? || direct_answers.is_a?(AllowedNetworks)
        raise ArgumentError, "direct_answers is AllowedNetworks, not #{direct_answers.inspect}"
      end

      RedisURL.usable(redis_url)
      @redis_url = redis_url
      @concurrency = Integer(concurrency)
      @grace = Float(grace)
      @lease = Float(lease)
      @unknown_patience = Float(unknown_patience)
      @direct_answers = direct_answers
      @name = ProcessName.chosen(name)
      @logger = logger
      @handlers = HandlerTable.new
      @mailbox = Mailbox.new
      @running = false
    end

    # @return [Integer] the lease in milliseconds
    def lease_ms
      (@lease * 1000).round
    end

    # Registers the handler of an action.
    #
    # Its arguments are the job's args; what it returns is the answer. Raise {HandlerError} for an error that the caller is to
    # see; anything else that is raised is logged here and answered as `handler`, "the handler failed". Handlers run at least
    # once, not exactly once: make them repeatable, or have jobs pushed with `once: true`.
    #
    # @param action [String, Symbol]
    # @param callable [#call] instead of a block
    # @param context [Boolean] whether the handler takes a {Context} before the arguments
    # @param attempts [Integer, nil] how often a job is run at most, unless it says so itself; nil: once where somebody waits for
    #   the answer, 25 times where nobody does
    # @param backoff [Array<Numeric>] seconds before the second attempt, doubled with each one after it, and seconds at most
    # @param retry_on [Array<Class>, nil] errors after which a job is run again; nil: all but {BadArguments}
    # @param timeout [Numeric, nil] seconds that a run may take. Nothing ends a handler from outside: see {Context#check}
    # @return [self]
    # @raise [ArgumentError]
    def handle(action, callable = nil, context: false, attempts: nil, backoff: RetryPolicy::BACKOFF, retry_on: nil, timeout: nil,
               &block)
      raise Error, "handlers are registered before run" if @running

      policy = RetryPolicy.new(attempts: attempts, backoff: backoff, retry_on: retry_on)
      @handlers.add(action, callable || block, context, policy, timeout)
      self
    end

    # Serves the queues until it is told to stop; then finishes what runs, and gives the rest back.
    #
    # @param signals [Boolean] whether SIGTERM and SIGINT stop it (a second one gives back at once), and SIGTSTP makes it quiet
    # @return [void]
    # @raise [Error] if it runs already
    # @raise [ServerError] if Redis refuses what a worker needs at the start, such as the password
    def run(signals: true)
      raise Error, "this worker has run; make a new one" if @running

      @running = true
      restore = signals ? trap_signals : nil
      Dispatcher.new(self, @handlers, @mailbox).run
      nil
    ensure
      restore&.call
    end

    # Tells a running worker to stop; from any thread. The second time it gives back at once what still runs.
    # @return [void]
    def stop
      @mailbox.post(:stop)
    end

    # Tells a running worker to begin nothing more; from any thread. It finishes what it has, and stays until it is stopped.
    # @return [void]
    def quiet
      @mailbox.post(:quiet)
    end

    # @return [Logger]
    def self.default_logger
      line = ->(severity, time, _, message) { "#{time.utc.strftime('%FT%T.%LZ')} #{severity} #{message}\n" }
      Logger.new($stderr, level: Logger::INFO, progname: "tempest", formatter: line)
    end

    private

    # A child that a handler has forked has the worker's traps, and its pipe: it is not a worker, and ends as any program does.
    def end_child(signal)
      trap(signal, "DEFAULT")
      Process.kill(signal, Process.pid)
    end

    # A trap may take no lock, so it writes to a pipe, and a thread passes the word on.
    # @return [Proc] that puts everything back
    def trap_signals
      heard, told = IO.pipe
      listener = Thread.new do
        while (word = heard.read(1))
          word == "q" ? quiet : stop
        end
      end
      worker = Process.pid
      before = { "TERM" => "s", "INT" => "s", "TSTP" => "q" }.to_h do |signal, word|
        [signal, trap(signal) { Process.pid == worker ? told.write_nonblock(word, exception: false) : end_child(signal) }]
      end
      lambda do
        before.each { |signal, action| trap(signal, action || "DEFAULT") }
        told.close
        listener.join
        heard.close
      end
    end
  end
end
