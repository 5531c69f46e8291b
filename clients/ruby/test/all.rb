# frozen_string_literal: true

# Runs every test of this folder:  ruby -Iclients/ruby/lib -Iclients/ruby/test clients/ruby/test/all.rb

Dir[File.join(__dir__, "test_*.rb")].sort.each { |file| require file }
