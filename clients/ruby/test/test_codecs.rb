# frozen_string_literal: true

# What the vectors cannot say of the codecs: Ruby's own kinds of text, limits at their edges, and time.

require "bigdecimal"
require_relative "harness"

class TestCodecs < Minitest::Test
  CODECS = Tempest::Codecs::ALL.values

  def test_the_encoding_of_a_string_decides_between_text_and_binary
    latin = "caf\xE9".dup.force_encoding("ISO-8859-1")
    CODECS.each do |codec|
      assert_equal "café", codec.decode(codec.encode(latin)), codec.name
      assert_equal "abc", codec.decode(codec.encode("abc".encode("US-ASCII")))
      assert_equal "sym", codec.decode(codec.encode(:sym))
      assert_equal Encoding::BINARY, codec.decode(codec.encode("\xFF\x00".b)).encoding
      assert_raises(Tempest::CodecError) { codec.encode("\xFF") }
      assert_raises(Tempest::CodecError) { codec.encode("\x81".dup.force_encoding("Windows-1252")) }
    end
  end

  def test_what_is_no_value_is_refused
    CODECS.each do |codec|
      [Object.new, 1r, BigDecimal("NaN"), BigDecimal("1e100000000"), Time.utc(10_000), Time.utc(-1), { 1 => 2 }, { nil => 1 }, { a: 1, "a" => 2 }, { "\xFF".b => 1 }, 2**64, -2**63 - 1, 1..2].each do |value|
        assert_raises(Tempest::CodecError, "#{codec.name}: #{value.inspect}") { codec.encode(value) }
      end
      endless = []
      endless << endless
      assert_raises(Tempest::CodecError) { codec.encode(endless) }
    end
  end

  def test_limits_hold_in_both_directions
    CODECS.each do |codec|
      deep = 64.times.inject(1) { |inner, _| [inner] }
      assert_equal deep, codec.decode(codec.encode(deep))
      assert_raises(Tempest::CodecError) { codec.encode([deep]) }
      few = Tempest::Limits.new(depth: 2, values: 4, bytes: 30)
      assert_equal [[1, 2]], codec.decode(codec.encode([[1, 2]], limits: few), limits: few)
      [[[[1]]], [1, 2, 3, 4], ["x" * 31]].each do |value|
        assert_raises(Tempest::CodecError, codec.name) { codec.encode(value, limits: few) }
        assert_raises(Tempest::CodecError, codec.name) { codec.decode(codec.encode(value), limits: few) }
      end
    end
  end

  def test_errors_say_where
    { Tempest::JSONCodec => ["[1,x]", 3], Tempest::MessagePackCodec => ["\x92\x01\xC1".b, 2], Tempest::TNetstringCodec => ["5:1:1?,]", 2] }.each do |codec, (bytes, offset)|
      error = assert_raises(Tempest::CodecError) { codec.decode(bytes) }
      assert_operator error.offset, :>=, offset
      assert_match(/\A#{codec.name}: .*, at byte #{error.offset}\z/, error.message)
    end
  end

  def test_what_is_too_large_is_refused_before_the_rest_of_it_is_looked_at
    text = "x" * 1_000_000
    wire = Object.new # whoever comes to it says that it is no value
    keys = (0..40).to_h { |i| ["#{text}#{i}", 0] }
    CODECS.each do |codec|
      [[text] * 40 + [wire], [text.b] * 40 + [wire], [keys.merge("" => wire)], [[text] * 30, { "a" => wire }], [text.to_sym] * 40 + [wire]].each do |large|
        error = assert_raises(Tempest::CodecError) { codec.encode(large) }
        assert_includes error.message, "more than the limit of 16777216 bytes"
      end
      [[wire] * 1_000_000, { "a" => [wire] * 1_000_000 }, (0...500_000).to_h { |i| [i.to_s, wire] }].each do |many|
        assert_includes assert_raises(Tempest::CodecError) { codec.encode(many) }.message, "more than 1000000 values"
      end
      began = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
      ["\"\n" * 20_000_000, ["x" * 100] * 400_000].each { |large| assert_raises(Tempest::CodecError) { codec.encode(large) } } # 40 MB each
      assert_operator Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) - began, :<, 5, codec.name
    end
  end

  def test_no_error_carries_a_whole_value
    long = "secret" * 100_000
    CODECS.each do |codec|
      [{ long => 1, long.to_sym => 2 }, { [long] => 1 }, [long, Object.new], { long => Object.new }, 2**1_000_000, "\xFF#{long}", BigDecimal("NaN"),
       Time.utc(10_000)].each do |value|
        assert_operator assert_raises(Tempest::CodecError) { codec.encode(value) }.message.size, :<, 1000
      end
    end
    size = [long.bytesize].pack("L>")
    { Tempest::JSONCodec => %({"#{long}":1,"#{long}":2}), Tempest::MessagePackCodec => "\x82\xDB".b + size + long.b + "\x01\xDB".b + size + long.b + "\x01".b,
      Tempest::TNetstringCodec => "1200024:600000:#{long},1:1#600000:#{long},1:2#}" }.each do |codec, bytes|
      message = assert_raises(Tempest::CodecError) { codec.decode(bytes) }.message
      assert_includes message, "comes twice"
      assert_operator message.size, :<, 1000
    end
  end

  def test_json_names_a_byte_order_mark
    error = assert_raises(Tempest::CodecError) { Tempest::JSONCodec.decode("\xEF\xBB\xBF{}".b) }
    assert_equal "json: begins with a byte order mark: remove its three bytes, at byte 0", error.message
    %w[UTF-16 UTF-32LE].each do |encoding|
      bytes = (encoding == "UTF-16" ? "" : "\uFEFF").then { |mark| "#{mark}{}".encode(encoding).b }
      assert_includes assert_raises(Tempest::CodecError) { Tempest::JSONCodec.decode(bytes) }.message, "looks like UTF-16 or UTF-32"
    end
  end

  def test_a_claim_of_four_billion_elements_allocates_nothing
    ["\xDD\xFF\xFF\xFF\xFF", "\xDF\xFF\xFF\xFF\xFF", "\xC6\xFF\xFF\xFF\xFF", "\xDB\xFF\xFF\xFF\xFF", "\xC9\xFF\xFF\xFF\xFF\x01"].each do |bytes|
      assert_raises(Tempest::CodecError) { Tempest::MessagePackCodec.decode(bytes.b) }
    end
  end

  def test_long_documents_are_read_in_linear_time
    text = "\\n\u00E9\\u00e9" * 100_000
    Timeout.timeout(30) do
      assert_equal 300_000, Tempest::JSONCodec.decode("[\"#{text}\"]")[0].length
      assert_raises(Tempest::CodecError) { Tempest::JSONCodec.decode("9" * 1_000_000) }
      assert_in_delta 1.0, Tempest::JSONCodec.decode("0.#{'9' * 1_000_000}")
      assert_raises(Tempest::CodecError) { Tempest::JSONCodec.decode("[" * 1_000_000) }
      assert_raises(Tempest::CodecError) { Tempest::TNetstringCodec.decode("9" * 1_000_000) }
    end
  end

  def test_exponents_of_many_digits_are_what_they_say_and_what_is_nearer_to_no_float_is_refused
    zeros = "0" * 45
    { "1e#{zeros}1" => 10.0, "1e-#{zeros}1" => 0.1, "1#{'0' * 50}e-#{zeros}50" => 1.0, "1e-#{'9' * 50}" => 0.0, "0e#{'9' * 50}" => 0.0,
      "1.79769313486231580793728971405303415079e308" => Float::MAX, "1.7976931348623158079372897140530341508e308" => nil,
      "-1.7976931348623158079372897140530341508e308" => nil, "1e#{'9' * 50}" => nil, "179769313486231580793728971405303415080#{'0' * 270}.0" => nil }
      .each do |text, wanted|
      [[Tempest::JSONCodec, text], [Tempest::TNetstringCodec, "#{text.bytesize}:#{text}^"]].each do |codec, bytes|
        next assert_equal(wanted, codec.decode(bytes), bytes) if wanted

        assert_raises(Tempest::CodecError, bytes) { codec.decode(bytes) }
      end
    end
  end

  def test_floats_of_many_digits_are_rounded_exactly
    # The middle between 1 and the next float64, and a hair above it.
    middle = (1 + Rational(1, 2**53)).then { |half| "1.#{((half - 1) * 10**60).to_i.to_s.rjust(60, '0')}" }
    assert_equal 1.0, Tempest::FloatText.read(middle)
    assert_equal 1.0.next_float, Tempest::FloatText.read("#{middle}#{'0' * 900}1")
    assert_equal 5.0e-324, Tempest::FloatText.read("0.#{'0' * 323}49406564584124654417656879286822137236505980")
    assert_nil Tempest::FloatText.read("1#{'0' * 400}.0")
    assert_equal(-0.0, Tempest::FloatText.read("-0.#{'0' * 400}1"))
  end

  def test_random_floats_read_back
    random = Random.new(1)
    10_000.times do
      value = [random.bytes(8)].first.unpack1("G")
      assert_equal value, Tempest::FloatText.read(Tempest::FloatText.write(value)) if value.finite?
    end
  end

  # Whatever bytes come, a codec answers with a value or with its own error, and what it read it writes again.
  def test_random_bytes_end_in_a_value_or_a_codec_error
    random = Random.new(2)
    seeds = CODECS.map { |codec| codec.encode([1, "é", { "a" => [nil, true, 1.5, "\xFF".b] }, -70_000]) }
    6_000.times do |i|
      codec = CODECS[i % 3]
      bytes = seeds[i % 3].dup
      (1 + random.rand(3)).times { bytes.setbyte(random.rand(bytes.bytesize), random.rand(256)) }
      begin
        value = codec.decode(bytes)
        assert_equal [value], [codec.decode(codec.encode(value))], bytes.inspect
      rescue Tempest::CodecError => e
        assert_includes e.message, codec.name
      end
    end
  end

  def test_the_usual_msgpack_gem_agrees
    begin
      require "msgpack"
    rescue LoadError
      skip "the gem msgpack is not installed; nothing but this test uses it"
    end
    values = [nil, true, 0, 127, 128, 255, 256, 65_535, 65_536, 2**32, 2**64 - 1, -1, -32, -33, -128, -129, -32_769, -2**31 - 1, -2**63,
              1.5, "é" * 40, "x" * 70_000, "\xFF".b * 300, (0..20).to_a, (0..20).to_h { |n| [n.to_s, n] }]
    values.each do |value|
      assert_equal MessagePack.pack(value).b, Tempest::MessagePackCodec.encode(value), value.inspect[0, 40]
      assert_equal [value], [Tempest::MessagePackCodec.decode(MessagePack.pack(value))]
    end
  end
end
