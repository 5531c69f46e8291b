# frozen_string_literal: true

# Redis URLs: what they mean is in the vectors; here their passwords are looked for, too.

require_relative "harness"
require "tempest/redis_url"

class TestRedisURL < Minitest::Test
  VECTORS = JSON.parse(File.read(File.expand_path("../../../protocol/vectors/urls.json", __dir__)))
  FIELDS = %w[host port socket user password database].freeze

  def test_a_url_names_the_redis_that_the_vectors_say
    VECTORS["valid"].each do |entry|
      url = Tempest::RedisURL.new(entry["url"])
      assert_equal FIELDS.map { |field| entry[field] }, FIELDS.map { |field| url.public_send(field) }, entry["url"].inspect
      assert_equal [entry["tls"]], [url.tls&.to_h&.transform_keys(&:to_s)], entry["url"].inspect
    end
  end

  def test_a_url_that_is_wrong_is_refused_with_the_reason_and_nothing_of_it_is_said_again
    VECTORS["invalid"].each do |entry|
      error = assert_raises(ArgumentError, entry["url"].inspect) { Tempest::RedisURL.new(entry["url"]) }
      assert_includes error.message, entry["says"], entry["url"].inspect
      refute_includes error.full_message(highlight: false).lines.first, "sesame"
      assert_nil error.cause
    end
  end

  def test_the_first_variable_counts_that_says_something
    VECTORS["environment"].each do |entry|
      found, wanted = [Tempest::RedisURL.environment(entry["variables"]), entry["url"]].map { |url| Tempest::RedisURL.new(url).options }
      assert_equal wanted, found, entry["variables"].inspect
    end
  end

  def test_an_error_names_the_variable_that_was_read_and_the_password_of_services_of_2012_may_stand_alone
    VECTORS["origins"].each do |entry|
      variables = entry["variables"]
      url = Tempest::RedisURL.new(Tempest::RedisURL.environment(variables), variables)
      assert_equal [entry["origin"], entry["may_lose_user"]], [url.origin, url.may_lose_user?], variables.inspect
    end
    assert_equal "the URL of Redis", Tempest::RedisURL.new("redis://elsewhere", { "REDIS_URL" => "redis://here" }).origin
    error = assert_raises(ArgumentError) { Tempest::RedisURL.new("sesame", { "REDISTOGO_URL" => "sesame" }) }
    assert_operator error.message, :start_with?, "REDISTOGO_URL: "
  end

  def test_no_password_is_shown
    %w[redis://me:sesame@h:1/2 unix:///s?password=sesame rediss://:sesame@[::1]].each do |url|
      refute_includes Tempest::RedisURL.new(url).inspect, "sesame"
    end
  end
end
