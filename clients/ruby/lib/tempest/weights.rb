# frozen_string_literal: true

# How many jobs of each level one claim takes, where levels are weighted instead of strict: smooth weighted round robin, so
# that over many claims, also of one job each, each level gets its share.

module Tempest
  # The shares of the levels.
  class Weights
    # @param weights [Hash{String, Symbol => Integer}] level and weight, 1 to 1000
    # @raise [ArgumentError]
    def initialize(weights)
      @weights = weights.to_h { |level, weight| [Keys.check_level(level), weight] }
      unless @weights.any? && @weights.each_value.all? { |weight| weight.is_a?(Integer) && weight.between?(1, 1000) }
        raise ArgumentError, "weights are integers from 1 to 1000, one a level, not #{weights.inspect}"
      end

      @total = @weights.each_value.sum
      @scores = @weights.transform_values { 0 }
    end

    # @return [Array<String>]
    def levels
      @weights.keys
    end

    # @param want [Integer] jobs that the claim takes
    # @return [Array<String>] `level=n` each; the n are `want` together
    def quotas(want)
      whole, rest = want.divmod(@total)
      shares = @weights.transform_values { |weight| whole * weight }
      rest.times { shares[pick] += 1 }
      shares.map { |level, share| "#{level}=#{share}" }
    end

    private

    # Each level gains its weight, and the first of the highest pays for all.
    def pick
      @weights.each { |level, weight| @scores[level] += weight }
      level, = @scores.max_by { |_, score| score }
      @scores[level] -= @total
      level
    end
  end
end
