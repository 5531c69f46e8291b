# frozen_string_literal: true

# One action's code, and the table of all of them. An action is looked up exactly, as a key of a Hash: nothing that comes
# from a job ever names a method, a class or a file.

module Tempest
  # What is called for an action.
  class Handler
    # @return [RetryPolicy]
    attr_reader :policy
    # @return [Numeric, nil] seconds
    attr_reader :timeout

    # @param callable [#call, Proc] a block gets lambda semantics: arguments are counted, never splatted
    # @param context [Boolean] whether it takes a {Context} before the arguments
    # @param policy [RetryPolicy] what becomes of a job that failed
    # @param timeout [Numeric, nil] seconds that a run may take; 365 days at most
    def initialize(action, callable, context, policy = RetryPolicy.new, timeout = nil)
      unless timeout.nil? || (timeout.is_a?(Numeric) && timeout.positive?)
        raise ArgumentError, "the timeout of #{action.inspect} is a number of seconds above 0, not #{timeout.inspect}"
      end

      @policy = policy
      @timeout = timeout && [timeout, Bounds::LONGEST / 1000].min
      @context = context
      @callable = callable.is_a?(Proc) ? Handler.strict(callable) : callable.method(:call)
      kinds = @callable.parameters.map(&:first)
      if kinds.include?(:keyreq)
        raise ArgumentError, "the handler of #{action.inspect} asks for keywords, and the arguments of a job have none"
      end

      @rest = kinds.include?(:rest)
      @least = kinds.count(:req)
      @most = @least + kinds.count(:opt)
      return unless context && @most.zero? && !@rest

      raise ArgumentError, "the handler of #{action.inspect} is to get a context but takes no argument"
    end

    # @return [Object] what the handler returns
    # @raise [BadArguments] if it does not take that many
    def call(context, args)
      check(args.size)
      @context ? @callable.call(context, *args) : @callable.call(*args)
    end

    # A block as a method of the object it was written in: its self stays, and a missing argument is an error instead of nil.
    def self.strict(block)
      return block if block.lambda?

      Module.new { define_method(:call, &block) }.instance_method(:call).bind(block.binding.receiver)
    end

    private

    def check(count)
      own = @context ? 1 : 0
      least = [@least - own, 0].max
      most = @most - own
      return if count >= least && (@rest || count <= most)

      wanted = if @rest then "at least #{least}"
               elsif least == most then least.to_s
               else "#{least} to #{most}"
               end
      raise BadArguments, "args: expected #{wanted}, found #{count}"
    end
  end

  # Actions and their handlers.
  class HandlerTable
    def initialize
      @handlers = {}
    end

    # @raise [ArgumentError] for a name that is none, or that has a handler already
    def add(action, callable, context, policy = RetryPolicy.new, timeout = nil)
      name = action.to_s.encode(Encoding::UTF_8)
      raise ArgumentError, "an action is 1 to 255 bytes of text without control characters" unless Envelope.text?(name, 255)
      raise ArgumentError, "the action #{name.inspect} has a handler already" if @handlers.key?(name)
      unless callable.respond_to?(:call)
        raise ArgumentError, "the action #{name.inspect} needs a block, or something that answers to call"
      end

      @handlers[name] = Handler.new(name, callable, context, policy, timeout)
    end

    # @return [Handler, nil]
    def find(action)
      @handlers[action]
    end

    def actions
      @handlers.keys
    end
  end
end
