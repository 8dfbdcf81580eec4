/* SPDX-License-Identifier: Apache-2.0
 *
 * attack - what somebody tries who wants more ids than were granted
 *
 * attack target plain|hide|leave     a process in a fresh user namespace; at
 *                                    SIGUSR1 it hides from its owner (not
 *                                    dumpable) or leaves for uid 1 inside
 * attack reuse PID UID GID           (root) a process with exactly this number,
 *                                    another user's, in a namespace of theirs
 * attack signals N PROGRAM MAP WORDS N runs, each hit by a signal at some time
 * attack traced PROGRAM MAP WORDS    run the program under ptrace from birth
 * attack touch PROGRAM MAP WORDS     stop the program and try to get into it
 *
 * "target" and "reuse" print a line when they are ready and live until killed.
 * The rest make a target of their own, put its number behind PROGRAM, and exit
 * with 1 and a line when something was had that must not be had.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static __attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	exit(1);
}

static void be_target(const char *mode, int ready)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (unshare(CLONE_NEWUSER) < 0)
		die("unshare: %s", strerror(errno));
	if (write(ready, "ready\n", 6) != 6)
		exit(1);
	sigwait(&set, &sig);
	if (strcmp(mode, "hide") == 0)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	else if (strcmp(mode, "leave") == 0) {
		if (setresuid(1, 1, 1) < 0)
			die("setresuid: %s", strerror(errno));
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	}
	for (;;)
		pause();
}

static pid_t make_target(void)
{
	int p[2];
	char line[6];
	pid_t pid;

	if (pipe(p) < 0 || (pid = fork()) < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		close(p[0]);
		be_target("plain", p[1]);
	}
	close(p[1]);
	if (read(p[0], line, 6) != 6)
		die("no target");
	close(p[0]);
	return pid;
}

static void end_target(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void reuse(pid_t pid, uid_t uid, gid_t gid)
{
	struct clone_args args = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&pid,
				   .set_tid_size = 1 };
	long child = -1;

	/* the number is free when its last owner has been waited for */
	for (int i = 0; i < 200 && child < 0; i++) {
		child = syscall(SYS_clone3, &args, sizeof(args));
		if (child < 0)
			usleep(5000);
	}
	if (child < 0)
		die("clone3 with pid %d: %s", pid, strerror(errno));
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
			die("become %u: %s", uid, strerror(errno));
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		be_target("plain", 1);
	}
	waitpid((pid_t)child, NULL, 0);
}

/* Text of a file of the target, blanks made single. */
static const char *look(pid_t pid, const char *file)
{
	static char text[2][4096];
	static int turn;
	char path[64], raw[4096], *out = text[turn ^= 1];
	size_t n = 0;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY);
	len = fd < 0 ? -1 : read(fd, raw, sizeof(raw) - 1);
	if (len < 0)
		die("read %s: %s", path, strerror(errno));
	close(fd);
	for (ssize_t i = 0; i < len; i++) {
		char c = raw[i] == '\n' ? ' ' : raw[i];

		if (c != ' ' || (n && out[n - 1] != ' '))
			out[n++] = c;
	}
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return out;
}

/* argv of the program: its path, the target, then the words. */
static pid_t start(char **argv, pid_t target, int traced, unsigned int alarm_us)
{
	char number[16], *args[64];
	pid_t pid = fork();
	int n = 0;

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	snprintf(number, sizeof(number), "%d", target);
	args[n++] = argv[0];
	args[n++] = number;
	for (argv++; *argv && n < 63; argv++)
		args[n++] = *argv;
	args[n] = NULL;
	if (freopen("/dev/null", "w", stderr) == NULL)
		exit(1);
	if (alarm_us) {
		/* a timer goes through exec: the kernel sends the signal, not we */
		struct itimerval t = { .it_value = { 0, (suseconds_t)alarm_us } };

		setitimer(ITIMER_REAL, &t, NULL);
	}
	if (traced)
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	execv(args[0], args);
	exit(126);
}

static void join(char **words, char *out, size_t size)
{
	out[0] = '\0';
	for (; *words; words++)
		snprintf(out + strlen(out), size - strlen(out), "%s%s", out[0] ? " " : "", *words);
}

/*
 * Whatever hits the program at whatever time: the map is written wholly or not
 * at all, success is not claimed without it, and a map of the own group is not
 * there without setgroups denied.
 */
static void signals(int rounds, char **argv, const char *map)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGSEGV,
				    SIGALRM, SIGXFSZ, SIGPIPE, SIGKILL, SIGSTOP };
	int written = 0, killed = 0, own_group;
	char want[4096];

	join(argv + 1, want, sizeof(want));
	own_group = strcmp(map, "gid_map") == 0 && !argv[4];
	srand(1);
	for (int i = 0; i < rounds; i++) {
		unsigned int us = (unsigned int)rand() % 2500;
		int sig = sigs[(size_t)i % (sizeof(sigs) / sizeof(*sigs))], status;
		pid_t target = make_target();
		pid_t pid = start(argv, target, 0, i % 3 == 0 ? us + 1 : 0);
		const char *got;

		usleep(us);
		kill(pid, sig);
		if (sig == SIGSTOP) {
			usleep(2000);
			kill(pid, SIGCONT);
		}
		waitpid(pid, &status, 0);
		got = look(target, map);
		if (strcmp(got, want) == 0)
			written++;
		else if (got[0])
			die("signal %d after %u us: half a map: '%s'", sig, us, got);
		else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			die("signal %d after %u us: success without a map", sig, us);
		if (WIFSIGNALED(status))
			killed++;
		if (own_group && got[0] && strcmp(look(target, "setgroups"), "deny") != 0)
			die("signal %d after %u us: map of the own group, setgroups allowed", sig,
			    us);
		end_target(target);
	}
	printf("%d rounds: %d maps written, %d killed\n", rounds, written, killed);
	/* a race that only ever ends one way was none */
	if (!written || !killed)
		die("the signals came too early or too late");
}

static void traced(char **argv, const char *map)
{
	pid_t target = make_target(), pid = start(argv, target, 1, 0);
	int status;

	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, pid, NULL, NULL);
	if (look(target, map)[0])
		die("a traced program wrote '%s'", look(target, map));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		die("a traced program succeeded");
	end_target(target);
	printf("traced: refused\n");
}

/* Tries that must all fail; each returns 0 when it did not. */
static int try_seize(pid_t pid)
{
	return ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0 ? 0 : -errno;
}

static int try_mem(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR);
	return fd >= 0 ? 0 : -errno;
}

static int try_vm(pid_t pid)
{
	char c = 0;
	struct iovec here = { &c, 1 }, there = { (void *)0x400000, 1 };

	/* EFAULT would mean that only the address was wrong */
	return process_vm_writev(pid, &here, 1, &there, 1, 0) >= 0 || errno == EFAULT ? 0 : -errno;
}

static int try_getfd(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	return syscall(SYS_pidfd_getfd, pidfd, 1, 0) >= 0 ? 0 : -errno;
}

/* Is it the privileged program by now? Its memory and files are closed to us. */
static int has_started(pid_t pid)
{
	char path[64];
	char link[256];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return readlink(path, link, sizeof(link)) < 0 && errno == EACCES;
}

static void touch(char **argv, const char *map)
{
	static const struct {
		const char *name;
		int (*fn)(pid_t);
	} tries[] = { { "PTRACE_SEIZE", try_seize }, { "/proc/PID/mem", try_mem },
		      { "process_vm_writev", try_vm }, { "pidfd_getfd", try_getfd } };
	int caught = 0;

	(void)map;
	for (int i = 0; i < 3000 && caught < 200; i++) {
		pid_t target = make_target(), pid = start(argv, target, 0, 0);
		int status;

		usleep((unsigned int)(i * 7 % 1500));
		kill(pid, SIGSTOP);
		if (waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status)) {
			if (has_started(pid)) {
				caught++;
				for (size_t t = 0; t < sizeof(tries) / sizeof(*tries); t++)
					if (tries[t].fn(pid) == 0)
						die("%s works", tries[t].name);
			}
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
		}
		end_target(target);
	}
	printf("touched %d times: refused\n", caught);
	if (caught < 20)
		die("too seldom caught in the act");
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "target") == 0)
		be_target(argv[2], 1);
	else if (argc == 5 && strcmp(argv[1], "reuse") == 0)
		reuse(atoi(argv[2]), (uid_t)atoi(argv[3]), (gid_t)atoi(argv[4]));
	else if (argc > 5 && strcmp(argv[1], "signals") == 0) {
		char *map = argv[4];

		argv[4] = argv[3];
		signals(atoi(argv[2]), argv + 4, map);
	} else if (argc > 4 && strcmp(argv[1], "traced") == 0) {
		char *map = argv[3];

		argv[3] = argv[2];
		traced(argv + 3, map);
	} else if (argc > 4 && strcmp(argv[1], "touch") == 0) {
		char *map = argv[3];

		argv[3] = argv[2];
		touch(argv + 3, map);
	} else {
		die("attack: wrong words");
	}
	return 0;
}
