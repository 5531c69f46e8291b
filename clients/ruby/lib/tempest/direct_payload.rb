# frozen_string_literal: true

# The words of a direct answer: the command that a node gets (protocol/answers.md). Before it: an answer in its envelope. After it: a
# DirectLink.

module Tempest
  # @api private
  module DirectPayload
    PAGES = {
      "expired" => [504, "Gateway Timeout"], "timeout" => [504, "Gateway Timeout"], "cancelled" => [503, "Service Unavailable"],
      "unknown_action" => [502, "Bad Gateway"], "poison" => [502, "Bad Gateway"], "interrupted" => [502, "Bad Gateway"],
      "bad_answer" => [502, "Bad Gateway"]
    }.freeze

    module_function

    # @param answer [Answer]
    # @param request [Boolean] whether the job is a browser's request
    # @param reads_meta [Boolean] whether the node does
    # @return [Array<String>, nil] nil: a node of the original, which knows no errors, cannot be told
    # @raise [CodecError] the answer has no form in JSON
    def words(answer, request, reads_meta)
      start = [answer.action, answer.job_id.to_s]
      error = answer.error
      return request ? [*start, JSONCodec.encode(page(error.code))] : nil if error && !reads_meta

      payload = JSONCodec.encode(page?(answer.args) ? answer.args.first : answer.args)
      reads_meta && !answer.meta.empty? ? [*start, payload, JSONCodec.encode(answer.meta)] : [*start, payload]
    end

    # @param job [Job]
    # @return [Boolean] whether it is a browser's request, whose front can be told of a failure by a page
    def request?(job)
      request = job.args.first if job.args.size == 1
      request.is_a?(Hash) && %w[method url].all? { |key| text?(request[key]) }
    end

    # @return [Array] `[status, headers, body]` with no word of what happened: that is for the log
    def page(code)
      status, reason = PAGES.fetch(code, [500, "Internal Server Error"])
      [status, { "content-type" => "text/plain; charset=utf-8" }, "#{reason}\n"]
    end

    # A sole `[status, headers, body]` takes the place of the args, because the fronts of the original look for its elements there.
    def page?(args)
      page = args.first if args.size == 1
      page.is_a?(Array) && page.size.between?(2, 3) && page[0].is_a?(Integer) && page[0].between?(100, 599) && page[1].is_a?(Hash)
    end

    def text?(value)
      value.is_a?(String) && value.encoding == Encoding::UTF_8
    end
    private_class_method :page, :page?, :text?
  end
end
