# frozen_string_literal: true

# A child that a handler forked and that comes back from it: it is no worker, and ends as any program does that has come to its end.

module Tempest
  # Runs a handler's block so that it returns in the worker's process alone.
  module Child
    module_function

    # @return [Object] what the block returns, in the process that called it
    def ends_within
      worker = Process.pid
      begin
        value = yield
      rescue Exception => e # rubocop:disable Lint/RescueException
        end_process(e) unless Process.pid == worker
        raise
      end
      end_process(nil) unless Process.pid == worker
      value
    end

    # Nothing of the parent's is cleaned up: its hooks for the exit are not run.
    # @param error [Exception, nil]
    def end_process(error)
      status = error.is_a?(SystemExit) ? error.status : 1
      warn(error.full_message(highlight: false)) if error && !error.is_a?(SystemExit)
      [$stdout, $stderr].each(&:flush)
    rescue StandardError
      nil # nobody reads what it says
    ensure
      exit!(error ? status || 1 : 0)
    end
  end
end
