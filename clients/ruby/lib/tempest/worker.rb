# frozen_string_literal: true

# What a program that answers queues begins with: settings, handlers, run. The work is the Dispatcher's.

require "logger"

module Tempest
  # A level 1 worker.
  #
  # Handlers run in `concurrency` threads of this one process; the beat that keeps the worker's claims alive runs in a small
  # process of its own, so a handler that holds the interpreter's lock for long slows its neighbours but loses nothing.
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
    # Seconds between beats.
    BEAT = 3

    attr_reader :queues, :levels, :redis_url, :concurrency, :grace, :beat_interval, :name, :logger

    # @param queues [String, Array<String>] queues to serve
    # @param levels [Array<String>] in the order in which they are served: strict priority
    # @param redis_url [String] redis://, rediss:// or unix://; by default REDIS_URL
    # @param concurrency [Integer] how many handlers run at a time, 1 to 1000
    # @param grace [Numeric] seconds that handlers have to finish after the word to stop
    # @param beat_interval [Numeric] seconds between beats
    # @param name [String] the beginning of the name under which this process is registered
    # @param logger [Logger] by default one line each on standard error
    # @raise [ArgumentError] for names that the protocol does not allow
    def initialize(queues, levels: LEVELS, redis_url: ENV.fetch("REDIS_URL", Connection::DEFAULT_URL), concurrency: 4,
                   grace: GRACE, beat_interval: BEAT, name: "ruby", logger: Worker.default_logger)
      @queues = Array(queues).map { |queue| Keys.check_queue(queue) }.uniq.freeze
      @levels = Array(levels).map { |level| Keys.check_level(level) }.uniq.freeze
      raise ArgumentError, "a worker needs at least one queue and one level" if @queues.empty? || @levels.empty?
      raise ArgumentError, "concurrency is 1 to 1000, not #{concurrency.inspect}" unless (1..1000).cover?(Integer(concurrency))

      Connection.options(redis_url)
      @redis_url = redis_url
      @concurrency = Integer(concurrency)
      @grace = Float(grace)
      @beat_interval = Float(beat_interval)
      @name = name
      @logger = logger
      @handlers = HandlerTable.new
      @mailbox = Mailbox.new
      @running = false
    end

    # Registers the handler of an action.
    #
    # Its arguments are the job's args; what it returns is the answer. Raise {HandlerError} for an error that the caller is to
    # see; anything else that is raised is logged here and answered as `handler`, "the handler failed". Handlers run at least
    # once, not exactly once: make them repeatable.
    #
    # @param action [String, Symbol]
    # @param callable [#call] instead of a block
    # @param context [Boolean] whether the handler takes a {Context} before the arguments
    # @return [self]
    def handle(action, callable = nil, context: false, &block)
      raise Error, "handlers are registered before run" if @running

      @handlers.add(action, callable || block, context)
      self
    end

    # Serves the queues until it is told to stop; then finishes what runs, and gives the rest back.
    #
    # @param signals [Boolean] whether SIGTERM and SIGINT stop it; a second one gives back at once
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

    # @return [Logger]
    def self.default_logger
      line = ->(severity, time, _, message) { "#{time.utc.strftime('%FT%T.%LZ')} #{severity} #{message}\n" }
      Logger.new($stderr, level: Logger::INFO, progname: "tempest", formatter: line)
    end

    private

    # A trap may take no lock, so it writes to a pipe, and a thread passes the word on.
    # @return [Proc] that puts everything back
    def trap_signals
      heard, told = IO.pipe
      listener = Thread.new { stop while heard.read(1) }
      before = %w[TERM INT].to_h { |signal| [signal, trap(signal) { told.write_nonblock(".", exception: false) }] }
      lambda do
        before.each { |signal, action| trap(signal, action || "DEFAULT") }
        told.close
        listener.join
        heard.close
      end
    end
  end
end
