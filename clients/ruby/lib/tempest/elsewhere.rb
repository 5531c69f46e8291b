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
    # @raise [ServerError] it is not there
    def push(connection, address, answer)
      key = Keys.inbox(address.queue, address.inbox)
      connection.call("RPUSH", key, answer)
      expire(connection, address, key)
    end

    # Answers that nobody is registered to read expire. Without the right to see to that they stay: the answer has arrived all the same, and
    # must not be pushed again.
    def expire(connection, address, key)
      registered = connection.call("HEXISTS", Keys.inboxes(address.queue), address.inbox)
      connection.call("EXPIRE", key, ORPHAN_SECONDS) unless [1, true].include?(registered)
    rescue ServerError
      nil
    end
  end
end
