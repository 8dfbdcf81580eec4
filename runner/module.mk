$(eval $(call program,runner,runner/main.c,cmd))
