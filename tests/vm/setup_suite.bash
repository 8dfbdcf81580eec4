# accounts before, a look for leaks after, as for the other system tests

load ../system/setup_suite.bash
