# frozen_string_literal: true

# Answers to an inbox of another queue (`id@queue`): another slot of Redis, so they cannot go along with the settle.

module Tempest
  # Pushes such answers.
  module Elsewhere
    # Seconds that answers to an inbox that nobody registered are kept.
    ORPHAN_SECONDS = "300"

    module_function

    # Returns once Redis has the answer. Repeating it does no harm: the caller drops the second by its job id.
    #
    # @param connection [Connection]
    # @param address [Address] of the kind :elsewhere
    # @param answer [String] bytes
    def push(connection, address, answer)
      key = Keys.inbox(address.queue, address.inbox)
      connection.call("RPUSH", key, answer)
      registered = connection.call("HEXISTS", Keys.inboxes(address.queue), address.inbox)
      connection.call("EXPIRE", key, ORPHAN_SECONDS, "NX") unless [1, true].include?(registered)
    end
  end
end
