// Runs a command and says what it cost: wall time, CPU time and peak memory of it and everything it started.
// A program of its own, because a child's peak memory starts at that of the process that forked it, and because only
// a subreaper sees what daemons leave behind.
//
// meter REPORT SECONDS COMMAND...: writes {"wall","user","system","maxRssKb","status"} to REPORT.
// What still runs after SECONDS is killed, and the status is 124 then.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace {

volatile sig_atomic_t is_late = 0;
void on_alarm(int) { is_late = 1; }

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return double(t.tv_sec) + double(t.tv_nsec) / 1e9;
}

double seconds(const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) / 1e6; }

// Our children are what we started, and what those left to us.
void kill_children() {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  FILE* list = fopen(path, "r");
  if (!list) return;
  int pid;
  while (fscanf(list, "%d", &pid) == 1) kill(pid, SIGKILL);
  fclose(list);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) return 2;
  FILE* report = fopen(arguments[1], "w");
  if (!report) return 1;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  struct sigaction action = {};
  action.sa_handler = on_alarm;
  sigaction(SIGALRM, &action, nullptr);  // without SA_RESTART: it interrupts wait
  double started = now();
  pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) {
    execvp(arguments[3], arguments + 3);
    _exit(127);
  }
  alarm(unsigned(atoi(arguments[2])));
  int status = 0, own_status = 1;
  for (;;) {
    pid_t pid = wait(&status);
    if (pid == child) own_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (pid > 0) continue;
    if (errno != EINTR) break;  // no child is left
    if (is_late) {
      kill_children();
      alarm(1);  // what they leave to us comes next
    }
  }
  double wall = now() - started;
  rusage usage;
  getrusage(RUSAGE_CHILDREN, &usage);
  fprintf(report, "{\"wall\":%.6f,\"user\":%.6f,\"system\":%.6f,\"maxRssKb\":%ld,\"status\":%d}\n", wall, seconds(usage.ru_utime),
          seconds(usage.ru_stime), usage.ru_maxrss, is_late ? 124 : own_status);
  fclose(report);
  return 0;
}
