/* Makes system calls that no shell makes, and prints what the kernel answers: `name errno`, 0 when it does it. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *name, long result)
{
	printf("%s %d\n", name, result == -1 ? errno : 0);
}

static long forked(long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, 0, 0);
	return pid;
}

static void *thread(void *argument)
{
	return argument;
}

int main(void)
{
	pthread_t made;
	char word = 0;
	setvbuf(stdout, 0, _IONBF, 0);
	say("clone3", syscall(SYS_clone3, 0, 0));
	say("a call of the future", syscall(999));
	say("clone", forked(0));
	say("clone newuser", forked(CLONE_NEWUSER));
	say("clone newnet", forked(CLONE_NEWNET));
	say("unshare", unshare(CLONE_NEWUSER));
	say("setns", setns(0, 0));
	say("ptrace", ptrace(PTRACE_TRACEME, 0, 0, 0));
	say("process_vm_readv", syscall(SYS_process_vm_readv, getpid(), 0, 0, 0, 0, 0));
	say("bpf", syscall(SYS_bpf, 0, 0, 0));
	say("keyctl", syscall(SYS_keyctl, 0, 0, 0));
	say("perf_event_open", syscall(SYS_perf_event_open, 0, 0, 0, 0, 0));
	say("io_uring_setup", syscall(SYS_io_uring_setup, 1, 0));
	say("userfaultfd", syscall(SYS_userfaultfd, 0));
	say("open_by_handle_at", syscall(SYS_open_by_handle_at, 0, 0, 0));
	say("socket alg", socket(38, SOCK_SEQPACKET, 0));
	say("socket vsock", socket(40, SOCK_STREAM, 0));
	say("socket inet", socket(AF_INET, SOCK_STREAM, 0));
	say("socket netlink", socket(AF_NETLINK, SOCK_RAW, 0));
	say("personality", personality(0xffffffff));
	say("personality svr4", personality(PER_SVR4));
	say("ioctl tiocsti", syscall(SYS_ioctl, 0, 0x5412, &word));
	printf("thread %d\n", pthread_create(&made, 0, thread, 0) || pthread_join(made, 0));
	return 0;
}
