# frozen_string_literal: true

# One answer: what a worker pushes into an inbox and a caller reads out of it. Before it: a Job. After it: the caller.

module Tempest
  # `[action, job_id, args, meta?]` of protocol/envelope.md.
  #
  # @!attribute action [String]
  # @!attribute job_id [String, Integer]
  # @!attribute args [Array]
  # @!attribute meta [Hash] empty if there is none
  # @!attribute codec [Module]
  Answer = Struct.new(:action, :job_id, :args, :meta, :codec, keyword_init: true) do
    # @param bytes [String] as they came from Redis
    # @return [Answer]
    # @raise [Refused] if they are no answer
    def self.read(bytes, limits: STANDARD_LIMITS)
      codec, elements = Envelope.open(bytes, limits: limits)
      unless elements.size.between?(3, 4)
        Envelope.refuse("bad_envelope", "an answer has three or four elements, and this array has #{elements.size}")
      end
      new(action: Envelope.check_action(Envelope.text(elements[0], codec)),
          job_id: Envelope.check_job_id(Envelope.text(elements[1], codec)),
          args: Envelope.check_args(elements[2]), meta: Envelope.check_meta(elements, 3), codec: codec)
    end

    # @return [Answer] that says that the job failed
    def self.error(job, code, message, details = nil)
      error = { "code" => code, "message" => message }
      error["details"] = details unless details.nil?
      new(action: job.action, job_id: Journey.answer_id(job), args: [], meta: { "error" => error }, codec: job.answer_codec)
    end

    # @return [String] bytes
    # @raise [CodecError] if the args cannot be written in the codec
    def encode(limits: STANDARD_LIMITS)
      elements = [action, job_id, args]
      elements << meta unless meta.nil? || meta.empty?
      codec.encode(elements, limits: limits)
    end

    # @return [Boolean] whether more answers of the job follow
    def more?
      meta["more"] == true
    end

    # @return [Integer, nil] the place among those of one token, if it says one
    def place
      found = meta["seq"]
      found if found.is_a?(Integer) && found >= 0
    end

    # @return [Integer] the place among those of one token
    def seq
      place || 0
    end

    # @return [String, nil] the claim it belongs to
    def token
      Envelope.plain_text(meta["token"], codec)
    end

    # @return [RemoteError, nil] why the job failed. An error that is not as the protocol says is still one
    def error
      found = meta["error"]
      return nil if found.nil?

      found = {} unless found.is_a?(Hash)
      code, message = found.values_at("code", "message").map { |text| Envelope.plain_text(text, codec) }
      RemoteError.new(code.nil? || code.empty? ? "handler" : code, message || "the handler failed", found["details"])
    end
  end
end
