# frozen_string_literal: true

# The handler threads. Before it: Dispatcher, which never gives it more than it has threads free. After it: the mailbox.

module Tempest
  # N threads of this process that run claims.
  class Pool
    # @param size [Integer] how many jobs run at a time
    # @param mailbox [Mailbox] gets `[:outcome, outcome]` for each claim
    # @param direct [DirectSender, nil]
    def initialize(size, runner, mailbox, direct = nil)
      @direct = direct
      @runner = runner
      @mailbox = mailbox
      @claims = Backlog.new
      @threads = Array.new(size) { |place| thread(place) }
      @closed = false
    end

    def push(claims)
      claims.each { |claim| claim.started = true }
      @claims.push(claims)
    end

    # Ends the threads. Handlers that still run are killed (their `ensure` blocks run): their jobs were given back before.
    def close
      @closed = true
      @claims.close
      @threads.each { |thread| thread.join(0.2) || thread.kill }
    end

    private

    def thread(place)
      Thread.new do
        Thread.current.name = "tempest handler #{place}"
        ended = false
        while (claim = @claims.pop)
          serve(claim)
        end
        ended = true
      ensure
        # A handler that ended its own thread has not ended the worker.
        @threads[place] = thread(place) unless ended || @closed
      end
    end

    def serve(claim)
      outcome = nil
      outcome = @runner.run(claim)
      @direct.wait_for_room(outcome.address, claim) if @direct && outcome.direct?
    ensure
      @mailbox.post(:outcome, outcome || @runner.ended(claim)) unless @closed && outcome.nil?
    end
  end
end
