# frozen_string_literal: true

# Ends what is left of a process's connections, its own old ones or a dead process's: a BLMOVE that still waits on one of them
# might land a job that nobody sees.

module Tempest
  # Finds and kills such connections.
  module OldConnections
    module_function

    # Client ids begin anew with the server, and are given to others: only those of the present run are meant, and only a
    # connection that bears the process's name is ended.
    #
    # @param line [Connection] another connection
    # @param process [String] P
    # @param identities [Array<String>] `<run_id>/<client id>`
    # @return [Integer] how many were ended
    # @raise [ConnectionLost]
    def end_all(line, process, identities)
      return 0 if identities.empty?

      run_id = line.call("INFO", "server")[/^run_id:(\h+)/, 1]
      identities.count do |identity|
        run, id = identity.split("/", 2)
        run == run_id && named?(line, id, process) && line.call("CLIENT", "KILL", "ID", id).to_i.positive?
      end
    rescue ServerError
      # A user without the right to see or end connections goes without: what they still land is found by the sweeps.
      0
    end

    # @return [String] what a connection of P calls itself
    def name(process)
      "tempest:#{process}"
    end

    def named?(line, id, process)
      line.call("CLIENT", "LIST", "ID", id).split.include?("name=#{name(process)}")
    end
    private_class_method :named?
  end
end
