# frozen_string_literal: true

# Where the nodes of a cluster of node-tempest may be: the list against which the address of a job is held before anything is looked up.
# Only the plain forms of addresses are read; `127.1`, `0x7f.0.0.1` or `2130706433` are names, and names are compared as text.

require "ipaddr"

module Tempest
  # An address as a number of 32 or 128 bits. IPv4-mapped IPv6 (`::ffff:10.0.0.1`) is the IPv4 that it is.
  # @api private
  IPAddress = Struct.new(:bits, :width) do
    # One part of an IPv4 address: without zeros in front, which some read as octal.
    self::PART = /(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])/.freeze
    self::IPV4 = /\A#{self::PART}(?:\.#{self::PART}){3}\z/.freeze
    self::IPV6 = /\A[0-9A-Fa-f:]*:(?:[0-9A-Fa-f]{0,4}|#{self::PART}(?:\.#{self::PART}){3})\z/.freeze

    # @param text [String] `10.0.0.1` or `fd00::1`, without brackets
    # @return [IPAddress, nil] nil for everything else
    def self.read(text)
      return new(text.split(".").inject(0) { |bits, part| (bits << 8) | part.to_i }, 32) if self::IPV4.match?(text)
      return unless text.length <= 45 && self::IPV6.match?(text)

      # IPAddr does not read every place of an IPv4 address in IPv6.
      text = text.sub(/[0-9.]+\.[0-9.]+\z/) { |tail| format("%<high>x:%<low>x", high: read(tail).bits >> 16, low: read(tail).bits & 0xFFFF) }
      bits = IPAddr.new(text, Socket::AF_INET6).to_i
      bits >> 32 == 0xFFFF ? new(bits & 0xFFFF_FFFF, 32) : new(bits, 128)
    rescue IPAddr::Error
      nil
    end
  end

  # All addresses that begin with the same bits.
  # @api private
  IPNetwork = Struct.new(:address, :length) do
    # @param text [String] `10.0.0.0/8`, or an address alone
    # @return [IPNetwork, nil] nil for everything else, also when bits are set beyond the length (`10.0.0.1/8`): a slip of the pen that
    #   would open more than was meant
    def self.read(text)
      written, slash, digits = text.partition("/")
      address = IPAddress.read(written) or return
      return unless slash.empty? || /\A[0-9]{1,3}\z/.match?(digits)

      length = slash.empty? ? address.width : digits.to_i
      return if length > address.width || (address.bits & ((1 << (address.width - length)) - 1)).positive?

      new(address, length)
    end

    # @param other [IPAddress]
    def include?(other)
      shift = address.width - length
      other.width == address.width && other.bits >> shift == address.bits >> shift
    end

    # @param other [IPNetwork]
    def hold?(other)
      length <= other.length && include?(other.address)
    end
  end

  # Where the nodes of a cluster of node-tempest live: the only places to which a worker sends answers directly.
  #
  # @example
  #   Tempest::Worker.new("tempest", direct_answers: Tempest::AllowedNetworks.new(["10.0.0.0/8", "127.0.0.1/32", "front.internal"]))
  class AllowedNetworks
    # What the host of an address stands for: an address to connect to, or a name to look up.
    # @api private
    Target = Struct.new(:host, :name?)

    # Nobody's: no address to connect to.
    NEVER = %w[0.0.0.0/8 224.0.0.0/3 ::/128 ff00::/8].map { |text| IPNetwork.read(text) }.freeze
    # Allowed only by networks that lie within: this machine, link-local (where clouds keep their secrets), addresses that carry others.
    SPECIAL = %w[127.0.0.0/8 169.254.0.0/16 ::/96 fe80::/10 64:ff9b::/96 2002::/16 2001::/32].map { |text| IPNetwork.read(text) }.freeze
    NAME = /\A[A-Za-z0-9.-]{1,253}\z/.freeze
    private_constant :NEVER, :SPECIAL, :NAME

    # @return [String] the networks, as they were given
    attr_reader :description

    # @param networks [Array<String>] networks (`10.0.0.0/8`, `fd00::/8`), addresses, and names of hosts, each of which is exactly what a job
    #   may name. A network that holds this machine's own addresses, link-local or other special ones among others, such as `0.0.0.0/0`, does
    #   not allow those: they are named themselves
    # @param any_host [String] the host that stands for `0.0.0.0` and `[::]`, which the nodes of the original write for themselves: an address
    #   or a name, which has to be among the networks as well
    # @raise [ArgumentError] for what is none of these
    def initialize(networks, any_host: "127.0.0.1")
      raise ArgumentError, "give an Array of networks, not #{networks.inspect}" unless networks.is_a?(Array) && networks.all?(String)

      names, addresses = networks.partition { |entry| IPNetwork.read(entry).nil? }
      wrong = names.find { |entry| !name?(entry) }
      if wrong
        raise ArgumentError, "#{wrong[0, 80].inspect} is not a network such as 10.0.0.0/8 (no bits beyond its length), an address or the name of a host"
      end

      address = IPAddress.read(any_host)
      unless address ? address.bits.positive? : name?(any_host)
        raise ArgumentError, "any_host is the address or the name of a machine, not #{any_host[0, 80].inspect}"
      end

      @description = networks.join(", ").freeze
      @networks = addresses.map { |entry| IPNetwork.read(entry) }.freeze
      @names = names.map(&:downcase).freeze
      @any_host = any_host.dup.freeze
      freeze
    end

    # Looks nothing up.
    # @api private
    # @param host [String] of a job's address
    # @return [Target, nil] nil: it is not allowed
    def target(host)
      bare = host.start_with?("[") && host.end_with?("]") && host.length > 1 ? host[1..-2] : host
      address = IPAddress.read(bare)
      if address&.bits&.zero?
        host = bare = @any_host
        address = IPAddress.read(bare)
      end
      return allow?(address) ? Target.new(bare, false) : nil if address

      @names.include?(host.downcase(:ascii)) ? Target.new(host, true) : nil
    end

    # @api private
    # @param text [String]
    # @return [Boolean] whether nothing is to connect there, also where a name leads there
    def self.nobodys?(text)
      address = IPAddress.read(text)
      address.nil? || NEVER.any? { |network| network.include?(address) }
    end

    private

    def allow?(address)
      return false if NEVER.any? { |network| network.include?(address) }

      special = SPECIAL.find { |network| network.include?(address) }
      @networks.any? { |network| network.include?(address) && (special.nil? || special.hold?(network)) }
    end

    # A name that could be mistaken for an address is none: whoever looks it up might read it as one.
    def name?(text)
      NAME.match?(text) && text.split(".").reject(&:empty?).last.to_s.match?(/\A[A-Za-z]/)
    end
  end
end
