# frozen_string_literal: true

# What Redis says to a user who lacks a right, as a sentence that tells what is missing and where the rights are listed. Redis has a text of
# its own for commands, and others for what a function does; protocol/vectors/rights.json has them.

module Tempest
  # Reads such replies.
  module Rights
    DENIAL = /\A(?:NOPERM |ERR The user executing the script can't |ERR ACL failure in script)/.freeze
    IN_SCRIPT = / script: (\S+), on @user_(function|script):/.freeze
    COMMAND = /permissions to run the '([^']+)' command/.freeze
    private_constant :DENIAL, :IN_SCRIPT, :COMMAND

    module_function

    # @param said [String] an error reply of Redis
    # @param user [String, nil] nil: the default user
    # @return [String, nil] the sentence, if the reply says that the user lacks a right
    def denial(said, user)
      return unless said.match?(DENIAL)

      "the Redis user \"#{user || 'default'}\" may not #{deed(said)}: see \"Rights\" in protocol/queues.md. Redis said: #{said}"
    end

    def deed(said)
      name, kind = said.match(IN_SCRIPT)&.captures
      place = kind == "function" ? "the function #{name}" : "a script" if name
      command = said[COMMAND, 1]
      return "run \"#{command}\"#{" in #{place}" if place}" if command
      return "use a channel of #{place || 'this command'} (ACL LOG names it)" if said.include?("channel")
      return "use a key of #{place || 'this command'} (ACL LOG names it)" if said.include?(" key")

      place ? "run a command of #{place} (ACL LOG names it)" : "do this (ACL LOG says what)"
    end
    private_class_method :deed
  end
end
