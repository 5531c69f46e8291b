# frozen_string_literal: true

# How many jobs of each level one claim takes, where levels are weighted instead of strict (protocol/queues.md, "Weights"): smooth weighted
# round robin, so that over many claims, also of one job each, each level gets its share.

module Tempest
  # The shares of the levels.
  class Weights
    # @param weights [Hash{String, Symbol => Integer}] level and weight, 1 to 1000
    # @raise [ArgumentError]
    def initialize(weights)
      weights = weights.to_h { |level, weight| [Keys.check_level(level), weight] }
      unless weights.any? && weights.each_value.all? { |weight| weight.is_a?(Integer) && weight.between?(1, 1000) }
        raise ArgumentError, "weights are integers from 1 to 1000, one a level, not #{weights.inspect}"
      end

      divisor = weights.each_value.reduce(:gcd)
      @weights = weights.transform_values { |weight| weight / divisor }
      # After so many jobs the credits are what they were.
      @round = @weights.each_value.sum
      @credits = @weights.transform_values { 0 }
      @quotas = @credits.dup
      # How many jobs the last claim brought, when it was cut short.
      @most = nil
    end

    # @return [Array<String>]
    def levels
      @weights.keys
    end

    # @param want [Integer] jobs that the claim takes
    # @return [Array<String>] `level=n` each
    def quotas(want)
      whole, rest = [want, @most].compact.min.divmod(@round)
      @most = nil
      @quotas = @weights.transform_values { |weight| whole * weight }
      rest.times { @quotas[pick] += 1 }
      @quotas.map { |level, quota| "#{level}=#{quota}" }
    end

    # The claim of the last {#quotas} was full of bytes before it was full of jobs.
    # @param came [Hash{String => Integer}] how many jobs of each level it brought
    # @return [void]
    def cut_short(came)
      @quotas.each do |level, quota|
        missing = quota - came.fetch(level, 0)
        next unless missing.positive?

        @credits[level] = [@credits[level], [@round, @credits[level] + (missing * @round)].min].max
      end
      @most = [1, came.each_value.sum].max
    end

    private

    # Each level gains its weight, and the first of the highest pays for all.
    def pick
      @weights.each { |level, weight| @credits[level] += weight }
      level, = @credits.max_by { |_, credit| credit }
      @credits[level] -= @round
      level
    end
  end
end
