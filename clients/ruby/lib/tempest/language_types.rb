# frozen_string_literal: true

# Types that other languages have, too, and their forms as text (protocol/codecs.md, "Types of languages"). Asked by the writers of all codecs.

module Tempest
  # The text that stands for a value.
  module LanguageTypes
    # Places of a decimal number before or behind the point, all of which are written out.
    PLACES = 1000

    module_function

    # @return [String, nil] nil for what has no such form
    def form(value)
      case value
      when Time then moment(value)
      when ->(it) { defined?(::BigDecimal) && it.is_a?(::BigDecimal) } then decimal(value)
      when ->(it) { defined?(::URI::Generic) && it.is_a?(::URI::Generic) } then value.to_s
      end
    end

    # @return [String, nil] such as `2026-11-30T18:07:03.250Z`: the fewest of 0, 3, 6 or 9 digits of a second; nil outside of the years 0 to 9999
    def moment(time)
      utc = time.getutc
      return unless utc.year.between?(0, 9999)

      digits = [0, 3, 6].find { |count| (utc.nsec % (10**(9 - count))).zero? } || 9
      utc.strftime("%Y-%m-%dT%H:%M:%S") + (digits.zero? ? "" : format(".%09d", utc.nsec)[0..digits]) + "Z"
    end

    # @return [String, nil] digits, without an exponent; nil for what is no number, or has too many places
    def decimal(number)
      return unless number.finite? && number.exponent.abs <= PLACES
      return "0" if number.zero?

      number.to_s("F").delete_suffix(".0")
    end
  end
end
