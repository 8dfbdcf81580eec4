# Helpers for the bats files of a boot with SELinux: load helpers

load ../vm/helpers.bash
