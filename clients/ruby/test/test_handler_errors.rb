# frozen_string_literal: true

# What handlers raise, as users of other queues have reported: texts that cannot be joined with others, and none at all.

require_relative "harness"

class TestHandlerErrors < RedisTest
  class Mute < StandardError
    def message = raise("no words")
  end

  ODD = {
    "utf16" => -> { raise "hé".encode("UTF-16LE") }, "binary" => -> { raise "\xFF caf\xE9".b }, "latin" => -> { raise "é".encode("ISO-8859-1") },
    "broken" => -> { raise "\xC3(" }, "dummy" => -> { raise "x".dup.force_encoding("UTF-7") }, "mute" => -> { raise Mute },
    "long" => -> { raise "é" * 1_000_000 },
    "path" => lambda {
      error = RuntimeError.new("\xFF".b)
      error.set_backtrace(["j\u00F6rg/w.rb:1"])
      raise error
    }
  }.freeze

  def test_a_code_that_a_handler_may_not_choose_is_told_as_handler_and_logged_once
    log = worker { |w| w.handle("reserved") { |code| raise Tempest::HandlerError.new(code, "gone", { "left" => 0 }) } }
    c = client
    ["expired", "Two words", "not_found"].each do |code|
      error = assert_raises(Tempest::RemoteError, code) { c.call("reserved", code, timeout: 20) }
      assert_equal [code == "not_found" ? code : "handler", "gone", { "left" => 0 }], [error.code, error.remote_message, error.details], code
    end
    assert_equal ["expired", %("Two words")], log.string.scan(/its caller is told handler code=("[^"]*"|\S+)/).flatten
  end

  def test_an_error_of_a_codec_in_the_handler_is_not_one_of_its_answer
    worker { |w| w.handle("decode") { Tempest::JSONCodec.decode("[") } }
    error = assert_raises(Tempest::RemoteError) { client.call("decode", timeout: 20) }
    assert_equal ["handler", "the handler failed"], [error.code, error.remote_message]
  end

  # sidekiq#1705, sidekiq#1597, resque#507
  def test_a_caller_is_told_and_a_job_is_tried_again_whatever_the_text_is
    log = worker { |w| ODD.each { |action, code| w.handle(action) { code.call } } }
    c = client
    ODD.each_key do |action|
      error = assert_raises(Tempest::RemoteError, action) { c.call(action, timeout: 20) }
      assert_equal ["handler", "handler: the handler failed"], [error.code, error.message], action
      c.push(action, attempts: 2, backoff: [60, 60])
    end
    Await.until("the retries:\n#{log.string[0, 3000]}") { counts.fetch("retried", 0) == ODD.size }
    assert_empty dead
    assert_operator log.string.bytesize, :<, 200_000
    assert_predicate log.string.dup.force_encoding("UTF-8"), :valid_encoding?
  end
end
