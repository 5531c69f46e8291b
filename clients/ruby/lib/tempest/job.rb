# frozen_string_literal: true

# One job: what a producer pushes and a worker claims. Before it: bytes in a list. After it: a handler, and an Answer.

require "securerandom"

module Tempest
  # `[action, args, respond_to, job_id, meta?]` of protocol/envelope.md.
  #
  # @!attribute action [String]
  # @!attribute args [Array]
  # @!attribute respond_to [String, nil]
  # @!attribute job_id [String, Integer]
  # @!attribute meta [Hash] empty if there is none
  # @!attribute codec [Module] of the bytes it was read from, or is written to
  # @!attribute single [Boolean] whether its args were one argument that is no array, as callers of ruby-tempest write it
  Job = Struct.new(:action, :args, :respond_to, :job_id, :meta, :codec, :single, keyword_init: true) do
    # @param bytes [String] as they came from Redis
    # @param single [Boolean] whether args may be one argument that is no array
    # @return [Job]
    # @raise [Refused] with the reason that the dead set records
    def self.read(bytes, limits: STANDARD_LIMITS, single: false)
      codec, elements = Envelope.open(bytes, limits: limits)
      unless elements.size.between?(4, 5)
        Envelope.refuse("bad_envelope", "a job has four or five elements, and this array has #{elements.size}")
      end
      action = Envelope.check_action(Envelope.text(elements[0], codec))
      single &&= !elements[1].is_a?(Array)
      new(action: action, args: single ? [elements[1]].compact : Envelope.check_args(elements[1]), single: single,
          respond_to: Envelope.text(elements[2], codec), job_id: Envelope.check_job_id(Envelope.text(elements[3], codec)),
          meta: Envelope.check_meta(elements, 4), codec: codec)
    end

    # @return [String] a new id, 128 random bits
    def self.new_id
      SecureRandom.hex(16)
    end

    # @return [String] bytes
    # @raise [CodecError] if the arguments cannot be written in the codec
    def encode(limits: STANDARD_LIMITS)
      elements = [action, args, respond_to, job_id]
      elements << meta unless meta.nil? || meta.empty?
      codec.encode(elements, limits: limits)
    end

    # @param rule [#refusal] of direct addresses
    # @return [Address, nil] where answers go; nil: nobody waits
    # @raise [Refused] bad_address
    def address(rule = DirectRule::NONE)
      found = Address.parse(respond_to)
      return found if found.nil? || found.usable?

      if found.kind == :direct
        refusal = rule.refusal(found.host, found.port, action) or return found
        Envelope.refuse("bad_address", "respond_to is a direct address: #{refusal}")
      end
      Envelope.refuse("bad_address", "respond_to: expected null, an inbox id or id@queue, found #{Envelope.kind(respond_to)}")
    end

    # @param key [String] of meta, one of {Bounds::NUMBERS}
    # @return [Integer, nil] nil if it is not there, no integer, or out of its bounds
    def number(key)
      meta.empty? ? nil : Bounds.number(meta, key)
    end

    # @return [Integer] which attempt this is, from 1 on
    def attempt
      number("attempt") || 1
    end

    # The codec to answer in: the first that the caller reads and this library knows, else the job's own.
    # @return [Module]
    def answer_codec
      accept = meta["accept"]
      return codec unless accept.is_a?(Array) && accept.all?(String)

      Codecs::ALL[accept.find { |name| Codecs::ALL.key?(name) }] || codec
    end
  end
end
