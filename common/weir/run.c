/* weir run: everything in the foreground, without a service manager. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "effective.h"
#include "supervise.h"
#include "verbs.h"

struct run {
	struct topo *t;
	bool announced;
};

static bool can_connect(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *ai;
	if (getaddrinfo(host, port, &hints, &ai) != 0)
		return false;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good = fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) == 0;
	if (fd >= 0)
		close(fd);
	freeaddrinfo(ai);
	return good;
}

static bool read_token(const char *path, char *token, size_t size)
{
	FILE *fp = fopen(path, "re");
	if (!fp)
		return false;
	bool good = fgets(token, (int)size, fp) != NULL;
	fclose(fp);
	token[strcspn(token, "\n")] = '\0';
	return good && *token;
}

/* Says where the API is, once it is there. */
static void announce(void *arg)
{
	struct run *r = arg;
	const char *listen = r->t->api.listen, *colon = strrchr(listen, ':');
	char host[256], token[256];
	if (r->announced || !colon || strncmp(listen, "unix:", 5) == 0)
		return;
	snprintf(host, sizeof host, "%.*s", (int)(colon - listen), listen);
	if (*host == '[')
		snprintf(host, sizeof host, "%.*s", (int)(colon - listen) - 2, listen + 1);
	if (!read_token(r->t->api.token_file, token, sizeof token) || !can_connect(host, colon + 1))
		return;
	r->announced = true;
	fprintf(stderr,
		"\nweir: the API listens on http://%s\n"
		"  curl -H 'Authorization: Bearer %s' 'http://%s/api/v1/alerts?limit=5'\n\n",
		listen, token, listen);
}

static void add_processes(struct supervisor *sv, const struct topo *t, const char *file, bool watch)
{
	static const char *const others[] = { "classify", "checks", "alertd", "notify", "apid" };
	for (size_t i = 0; i < t->n_sensors; i++) {
		char *name = xasprintf("capture/%s", t->sensors[i].name);
		supervise_add(sv, name, "weir-capture", (const char *const[]){ "-f", file, "-i", t->sensors[i].name, NULL },
			      false, false);
		free(name);
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		char *program = xasprintf("weir-%s", others[i]);
		supervise_add(sv, others[i], program, (const char *const[]){ "-f", file, NULL }, false, false);
		free(program);
	}
	if (watch)
		supervise_add(sv, "tail", "weir", (const char *const[]){ "tail", "-f", file, "--flows", "--wait", NULL },
			      false, true);
}

static int usage(void)
{
	fputs("usage: weir run [-f FILE] [--interface IF | --pcap FILE ...] [--speed N|max] [--dir DIR] [--watch]\n", stderr);
	return EXIT_USAGE;
}

static char *absolute(const char *path)
{
	char *real = realpath(path, NULL);
	return real ? real : xstrdup(path);
}

int verb_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "interface", required_argument, NULL, 'i' }, { "pcap", required_argument, NULL, 'r' },
		{ "speed", required_argument, NULL, 's' },     { "dir", required_argument, NULL, 'd' },
		{ "watch", no_argument, NULL, 'w' },           { "file", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	const char *file = NULL, *interface = NULL, *dir = NULL;
	char *pcaps[1024] = { NULL };
	size_t n_pcaps = 0;
	double speed = -1;
	bool watch = false;
	int opt;
	while ((opt = getopt_long(argc, argv, "f:", options, NULL)) != -1) {
		switch (opt) {
		case 'f':
			file = optarg;
			break;
		case 'i':
			interface = optarg;
			break;
		case 'r':
			if (n_pcaps == 1023)
				return usage();
			if (access(optarg, R_OK) < 0) {
				fprintf(stderr, "weir: %s: %s\n", optarg, strerror(errno));
				return EXIT_FAILED;
			}
			pcaps[n_pcaps++] = absolute(optarg);
			break;
		case 's':
			speed = strcmp(optarg, "max") == 0 ? 0 : strtod(optarg, NULL);
			if (speed <= 0 && strcmp(optarg, "max") != 0)
				return usage();
			break;
		case 'd':
			dir = optarg;
			break;
		case 'w':
			watch = true;
			break;
		default:
			return usage();
		}
	}
	if (optind != argc || (interface && n_pcaps))
		return usage();
	struct run r = { .t = config_load(file) };
	if (!r.t)
		return EXIT_FAILED;
	if (interface)
		effective_sensor(r.t, interface, SRC_INTERFACE, (char *[]){ (char *)interface, NULL }, -1);
	if (n_pcaps)
		effective_sensor(r.t, "capture", SRC_FILES, pcaps, speed);
	if (dir) {
		mkdir(dir, 0755); /* so that it has an absolute path; what is wrong with it shows when it is used */
		char *real = absolute(dir);
		effective_dir(r.t, real);
		free(real);
	}
	int code = EXIT_FAILED;
	char *effective = effective_write(r.t);
	if (effective) {
		struct supervisor *sv = supervise_new();
		add_processes(sv, r.t, effective, watch);
		supervise_tick(sv, announce, &r);
		code = supervise_run(sv);
		supervise_free(sv);
	}
	free(effective);
	for (size_t i = 0; i < n_pcaps; i++)
		free(pcaps[i]);
	topo_free(r.t);
	return code;
}
