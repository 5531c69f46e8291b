# frozen_string_literal: true

# What the beat process says to a worker that does not listen: nothing blocks, and the newest word counts.

require_relative "harness"

class TestReports < Minitest::Test
  def test_a_pipe_that_nobody_reads_never_blocks_and_keeps_the_newest_of_each_subject
    reader, writer = IO.pipe
    reports = Tempest::Reports.new(writer)
    Timeout.timeout(30) { 20_000.times { |i| reports.say("CLOCK #{i}", :clock) } }
    assert_predicate reports, :behind?
    refute((1..2000).all? { |i| reports.say("CANCEL q #{i}") }, "there is an end to what is kept")
    lines = +""
    until lines.include?("CANCEL q 500\n")
      lines << reader.readpartial(65_536)
      reports.flush
    end
    clock = lines.scan(/^CLOCK (\d+)$/).flatten.map(&:to_i)
    assert_equal clock.sort, clock
    assert_equal 19_999, clock.last
    assert_operator clock.size, :<, 20_000
    assert_equal (1..500).to_a, lines.scan(/^CANCEL q (\d+)$/).flatten.map(&:to_i).first(500)
  end

  def test_a_line_is_one_line
    reader, writer = IO.pipe
    Tempest::Reports.new(writer).say("TROUBLE a\r\nFENCED q p")
    assert_equal "TROUBLE a  FENCED q p\n", reader.readpartial(100)
  end
end
