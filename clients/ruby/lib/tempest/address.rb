# frozen_string_literal: true

# Where a job's answers go. respond_to comes from whoever pushed the job, so it is matched as a whole and never used as
# a key, a host or a command as it stands.

module Tempest
  # A respond_to, taken apart.
  #
  # @!attribute kind [Symbol] :inbox (of the job's own queue), :elsewhere (another queue's), :direct (host:port), :invalid
  # @!attribute inbox [String, nil]
  # @!attribute queue [String, nil] for :elsewhere
  # @!attribute host [String, nil] for :direct, as it was written
  # @!attribute port [Integer, nil] for :direct
  Address = Struct.new(:kind, :inbox, :queue, :host, :port) do
    # A name or an IPv4 address, or an IPv6 address in brackets; and a port.
    self::DIRECT = /\A([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{1,251}\]):([0-9]{1,5})\z/.freeze

    # @param text [String, nil, Object] respond_to as it was read
    # @return [Address, nil] nil for null: nobody waits
    def self.parse(text)
      return nil if text.nil?
      return new(:invalid) unless text.is_a?(String) && text.encoding == Encoding::UTF_8

      case text
      when /\A[A-Za-z0-9_-]{1,64}\z/ then new(:inbox, text)
      when /\A([A-Za-z0-9_-]{1,64})@([A-Za-z0-9_.-]{1,128})\z/ then new(:elsewhere, $1, $2)
      when self::DIRECT then $2.to_i.between?(1, 65_535) ? new(:direct, nil, nil, $1, $2.to_i) : new(:invalid)
      else new(:invalid)
      end
    end

    # @return [Boolean] whether it is an inbox
    def usable?
      kind == :inbox || kind == :elsewhere
    end
  end
end
