# frozen_string_literal: true

# Floats as text, alike in JSON and tnetstring and in every language: the fewest digits that read back, always a point.

module Tempest
  # Between a Float and its text.
  module FloatText
    # Texts with more digits than this are not left to String#to_f, which drops digits beyond 60.
    PLAIN_DIGITS = 40
    # Digits of such a text that String#to_f is given at first.
    HEAD_DIGITS = 20
    # No float64, and no middle between two of them, has more significant digits than this.
    EXACT_DIGITS = 800
    # The power of two that is the last place of the smallest floats.
    LAST_PLACE = -1074

    module_function

    # @param value [Float] finite
    # @return [String] such as `1.0`, `0.0000001`, `1.0e+21`, `-0.0`
    def write(value)
      text = value.to_s
      # Ruby writes the fewest digits, too, and where it writes no exponent there is none here either.
      at = text.index("e")
      return text unless at

      exponent = text.byteslice(at + 1, 5).to_i
      return text if exponent >= 21 || exponent <= -10
      return "#{text[0, at]}e#{exponent}" if exponent < -7

      positional(text[0, at], exponent)
    end

    # @param text [String] `-?digits[.digits][e[+-]digits]`
    # @return [Float, nil] the nearest float64; nil if that is infinite
    def read(text)
      value = text.bytesize > PLAIN_DIGITS && text.count("0-9") > PLAIN_DIGITS ? long(text) : text.to_f
      value.finite? ? value : nil
    end

    # A mantissa such as `-1.5` times ten to the power of the exponent, without one.
    def positional(mantissa, exponent)
      sign = mantissa.delete_prefix!("-") ? "-" : ""
      digits = mantissa.delete_suffix(".0").delete(".")
      return "#{sign}0.#{'0' * (-exponent - 1)}#{digits}" if exponent.negative?

      digits = digits.ljust(exponent + 2, "0")
      "#{sign}#{digits[0, exponent + 1]}.#{digits[(exponent + 1)..]}"
    end
    private_class_method :positional

    # The nearest float64 of a text with many digits.
    def long(text)
      negative = text.start_with?("-")
      at = text.index("e") || text.index("E") || text.length
      digits = text[(negative ? 1 : 0)...at]
      point = digits.index(".") || digits.length
      digits.delete!(".")
      point += power(text[(at + 1)..]) if at < text.length
      if digits.start_with?("0")
        zeros = digits[/\A0*+/].length
        digits = digits[zeros..]
        point -= zeros
      end
      return negative ? -0.0 : 0.0 if digits.empty? || point < -330
      return Float::INFINITY if point > 310

      near = nearest(digits, point)
      negative ? -near : near
    end
    private_class_method :long

    # An exponent of any length as a number. No mantissa makes up for one of thirteen digits.
    def power(text)
      return text.to_i if text.length <= 12

      digits = text[/[1-9].*/] || "0"
      size = digits.length > 12 ? 10**12 : digits.to_i
      text.start_with?("-") ? -size : size
    end
    private_class_method :power

    # The float64 nearest to 0.DIGITS times ten to the power of point. It lies between its first digits and the same with one more in the
    # last place: mostly one float is nearest to both.
    def nearest(digits, point)
      head = digits[0, HEAD_DIGITS]
      scale = point - head.length
      below = "#{head}e#{scale}".to_f
      # String#succ is the faster one, but where it carries much.
      above = "#{head.end_with?('99') ? head.to_i + 1 : head.succ}e#{scale}".to_f
      below == above ? below : exact(digits, point, below)
    end
    private_class_method :nearest

    # By comparison with the middles between the float64 below and those above.
    def exact(digits, point, below)
      # Digits that are cut can only matter by being there: a 1 stands for all of them.
      digits = "#{digits[0, EXACT_DIGITS]}1" if digits.length > EXACT_DIGITS && digits[EXACT_DIGITS..].match?(/[1-9]/)
      digits = digits[0, EXACT_DIGITS + 1]
      number = digits.to_i
      exponent = point - digits.length
      # Behind the largest float there is infinity, which has no middle behind it.
      while below.finite?
        side = compare(number, exponent, below)
        # In the middle the even one is right; its last bit is 0.
        break if side.negative? || (side.zero? && [below].pack("G").unpack1("Q>").even?)

        below = below.next_float
      end
      below
    end
    private_class_method :exact

    # On which side of the middle between the float and the next one NUMBER times ten to the power of the exponent is.
    def compare(number, exponent, float)
      fraction, power = Math.frexp(float)
      # The float is fraction times 2 to the power, its last place 2 to the power of last, and the middle half a place above it.
      last = float.zero? ? LAST_PLACE : [power - 53, LAST_PLACE].max
      middle = (Math.ldexp(fraction, power - last).to_i << 1) + 1
      shift = last - 1 - exponent
      if exponent.negative?
        middle *= 5**-exponent
      else
        number *= 5**exponent
      end
      shift.negative? ? (number << -shift) <=> middle : number <=> (middle << shift)
    end
    private_class_method :compare
  end
end
