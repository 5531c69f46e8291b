# frozen_string_literal: true

# Floats as text, alike in JSON and tnetstring and in every language: the fewest digits that read back, always a point.

module Tempest
  # Between a Float and its text.
  module FloatText
    # More significant digits than this are read exactly, instead of by String#to_f (which drops digits beyond 60).
    PLAIN_DIGITS = 40
    # No float64, and no middle between two of them, has more significant digits than this.
    EXACT_DIGITS = 800
    # From here on a number is nearer to 2^1024, which no float is, than to the largest one, or in the middle.
    TOO_LARGE = 2**1024 - 2**970

    module_function

    # @param value [Float] finite
    # @return [String] such as `1.0`, `0.0000001`, `1.0e+21`, `-0.0`
    def write(value)
      mantissa, exponent = value.abs.to_s.split("e")
      whole, fraction = mantissa.split(".")
      digits = "#{whole}#{fraction}"
      point = whole.length + exponent.to_i
      zeros = digits[/\A0*/].length
      digits = digits[zeros..].sub(/0+\z/, "")
      sign = value.negative? || (value.zero? && (1 / value).negative?) ? "-" : ""
      return "#{sign}0.0" if digits.empty?

      sign + place(digits, point - zeros)
    end

    # @param text [String] `-?digits[.digits][e[+-]digits]`
    # @return [Float, nil] the nearest float64; nil if that is infinite
    def read(text)
      value = text.count("0-9") > PLAIN_DIGITS ? exact(text) : text.to_f
      value.finite? ? value : nil
    end

    # The number 0.DIGITS times ten to the power of point.
    def place(digits, point)
      exponent = point - 1
      unless exponent.between?(-7, 20)
        return "#{digits[0]}.#{digits.length > 1 ? digits[1..] : '0'}e#{exponent.negative? ? '-' : '+'}#{exponent.abs}"
      end
      return "0.#{'0' * -point}#{digits}" if point <= 0
      return "#{digits}#{'0' * (point - digits.length)}.0" if digits.length <= point

      "#{digits[0, point]}.#{digits[point..]}"
    end
    private_class_method :place

    # The nearest float64 of a text with many digits, by exact comparison with its neighbours' middles.
    def exact(text)
      sign, whole, fraction, exponent = text.match(/\A(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?\z/).captures
      digits = "#{whole}#{fraction}"
      point = whole.length + exponent.to_i
      zeros = digits[/\A0*/].length
      digits = digits[zeros..]
      point -= zeros
      return "#{sign}0.0".to_f if digits.empty? || point < -330
      return Float::INFINITY if point > 310

      # Digits that are cut can only matter by being there: a 1 stands for all of them.
      digits = "#{digits[0, EXACT_DIGITS]}1" if digits.length > EXACT_DIGITS && digits[EXACT_DIGITS..].match?(/[1-9]/)
      digits = digits[0, EXACT_DIGITS + 1]
      wanted = Rational(digits.to_i) * Rational(10)**(point - digits.length)
      return Float::INFINITY if wanted >= TOO_LARGE

      near = nearest(wanted, "0.#{digits[0, 30]}e#{point}".to_f)
      sign == "-" ? -near : near
    end
    private_class_method :exact

    def nearest(wanted, guess)
      candidates = [guess.prev_float, guess, guess.next_float].select { |f| f.finite? && f >= 0 }
      # Of two that are equally near the even one is right; its last bit is 0.
      candidates.min_by { |f| [(f.to_r - wanted).abs, [f].pack("G").unpack1("Q>") & 1] }
    end
    private_class_method :nearest
  end
end
