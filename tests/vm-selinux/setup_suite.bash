# as for the other files of the virtual machine

load ../system/setup_suite.bash
