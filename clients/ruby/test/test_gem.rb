# frozen_string_literal: true

# The gem as it is built: complete, with the Redis functions in it, and working from where it was installed.

require_relative "harness"
require "open3"
require "rubygems/package"

class TestGem < RedisTest
  ROOT = File.expand_path("..", __dir__)

  def test_the_built_gem_carries_the_functions_and_works
    Dir.mktmpdir("tempest-gem") do |folder|
      out, status = Open3.capture2e(File.join(ROOT, "build.sh"), chdir: folder)
      assert_predicate status, :success?, out
      package = Gem::Package.new(Dir[File.join(folder, "tempest-queue-*.gem")].first)
      assert_includes package.contents, "lib/tempest/tempest.lua"
      assert_includes package.contents, "lib/tempest/rack/gateway.rb"
      assert_equal ["exe", ["tempest-rack"]], [package.spec.bindir, package.spec.executables]
      package.extract_files(folder)
      script = 'require "tempest"; c = Tempest::Client.new(queue: "q"); c.push("a"); puts Tempest::Functions.ensure_loaded(Tempest::Connection.new(ENV["REDIS_URL"]))'
      out, status = Open3.capture2e({ "REDIS_URL" => @redis.url }, RbConfig.ruby, "-I", File.join(folder, "lib"), "-e", script)
      assert_equal [true, Tempest::Functions.revision], [status.success?, out.to_i], out
      assert_equal 1, call("LLEN", Q)
    end
  end

  def test_a_newer_library_in_redis_is_left_alone_and_an_older_one_replaced
    newer = Tempest::Functions.source.sub(/^local REVISION = \d+/, "local REVISION = 1000000")
    call("FUNCTION", "LOAD", "REPLACE", newer)
    assert_equal 1_000_000, Tempest::Functions.ensure_loaded(@redis.connection)
    assert_equal 1_000_000, call("FCALL", "tempest1_revision", "0")
    call("FUNCTION", "LOAD", "REPLACE", newer.sub("1000000", "0"))
    assert_equal Tempest::Functions.revision, Tempest::Functions.ensure_loaded(@redis.connection)
    assert_equal Tempest::Functions.revision, call("FCALL", "tempest1_revision", "0")
  ensure
    call("FUNCTION", "FLUSH")
  end
end
