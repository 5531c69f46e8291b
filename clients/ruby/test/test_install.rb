# frozen_string_literal: true

require "minitest/autorun"
require "open3"
require "rbconfig"

# A Ruby that does not have the gem that the client needs.
class TestInstall < Minitest::Test
  LIBRARY = File.expand_path("../lib", __dir__)

  def test_a_missing_gem_is_said_with_what_to_install
    without = '$LOAD_PATH.reject! { |folder| File.exist?(File.join(folder, "redis.rb")) }; require "tempest"'
    output, status = Open3.capture2e({ "RUBYLIB" => nil, "RUBYOPT" => nil }, RbConfig.ruby, "--disable-gems", "-I", LIBRARY, "-e", without)
    refute status.success?
    assert_includes output, "tempest needs the gem redis, which this Ruby (#{RbConfig.ruby}) does not have."
    assert_includes output, "sudo apt install ruby-redis"
    assert_includes output, "gem install redis"
  end
end
