# frozen_string_literal: true

# What goes between a worker and its beat, also where a line was cut or is no text.

require_relative "harness"
require "tempest/beat"

class TestHeartbeat < Minitest::Test
  # Whatever a beat process has left, before it ended.
  def hear(output)
    log = StringIO.new
    clock = Tempest::RedisClock.new
    mailbox = Tempest::Mailbox.new
    heartbeat = Tempest::Heartbeat.allocate
    { closed: false, vain: 0, clock: clock, mailbox: mailbox, logger: Logger.new(log), outage: Tempest::Outage.new(Logger.new(log)) }
      .each { |name, value| heartbeat.instance_variable_set(:"@#{name}", value) }
    heartbeat.define_singleton_method(:start) { StringIO.new(output) }
    heartbeat.define_singleton_method(:reap) { |_| @closed = true }
    heartbeat.send(:keep_running)
    [mailbox.take(0), clock.offset, log.string]
  end

  def test_a_line_that_was_cut_says_nothing_and_ends_nothing
    assert_equal [[[:ready, nil]], 12_345], hear("READY\nCLOCK 12345\nCLOCK 12").first(2)
    assert_equal [[:ready, nil]], hear("READY\nWAKE q p 1").first
    events, _, log = hear("LOG [\"error\",\"the beat can\nREADY\nLOG [\"error\",\"well\",{\"queue\":\"q\"}]\nLOG [\"error\",\"the be")
    assert_equal [[:ready, nil]], events
    assert_equal 1, log.lines.size
    assert_includes log, "well queue=q"
  end

  def test_a_line_that_is_no_text_is_heard
    events, _, log = hear("TROUBLE gone \xFF\nREADY\n")
    assert_equal [[:doubt, nil], [:ready, nil]], events
    assert_includes log, "cannot use Redis; trying again"
  end

  def test_what_is_no_utf8_is_written_all_the_same
    assert_equal '["é","?","é",{"é":1},[null,1.5]]'.sub("?", "\uFFFD"),
                 Tempest::JSONLine.of(["\xC3\xA9".b, "\xFF", "\xE9".dup.force_encoding("ISO-8859-1"), { "\xC3\xA9".b => 1 }, [nil, 1.5]])
  end

  def test_a_beat_says_an_error_that_is_no_text
    said = []
    beat = Tempest::Beat.allocate
    beat.instance_variable_set(:@reports, Object.new.tap { |reports| reports.define_singleton_method(:say) { |line| said << line } })
    beat.send(:log, "error", "the beat cannot do its work", error: "NOPERM \xFFé".b)
    assert_equal ["error", "the beat cannot do its work", { "error" => "NOPERM \uFFFDé" }], JSON.parse(said.first.delete_prefix("LOG "))
  end
end
