# Accounts before, a look for leaks after: as for the system tests

load ../system/setup_suite.bash
