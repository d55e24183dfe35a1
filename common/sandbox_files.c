/* Which files each process may touch, and Landlock (landlock(7)) to hold it to that. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

/* Rights that came after the headers of Debian 12 (Linux 6.1): ABI 3. */
#define FS_TRUNCATE (1ull << 14)

#define FILE_READ  LANDLOCK_ACCESS_FS_READ_FILE
#define FILE_WRITE (LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)
#define DIR_READ   LANDLOCK_ACCESS_FS_READ_DIR
#define DIR_WRITE                                                                                          \
	(LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |    \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK)
/* Handled but never granted, so nobody has them: programs, devices, links. */
#define NEVER                                                                                              \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |       \
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM)

struct rules {
	int fd;
	uint64_t handled;
};

/* -- the mechanism -- */

static uint64_t rights_of_abi(int abi)
{
	uint64_t all = FILE_READ | FILE_WRITE | DIR_READ | DIR_WRITE | NEVER;
	return abi < 3 ? all & ~FS_TRUNCATE : all;
}

static void allow(const struct rules *r, const char *path, bool write)
{
	struct stat st;
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		log_debug("sandbox: %s: %s", path, strerror(errno));
		return;
	}
	if (fstat(fd, &st) == 0) {
		uint64_t want = FILE_READ | (write ? FILE_WRITE : 0);
		if (S_ISDIR(st.st_mode))
			want |= DIR_READ | (write ? DIR_WRITE : 0);
		struct landlock_path_beneath_attr at = { .allowed_access = want & r->handled, .parent_fd = fd };
		if (syscall(SYS_landlock_add_rule, r->fd, LANDLOCK_RULE_PATH_BENEATH, &at, 0) < 0)
			log_warn("sandbox: %s: %s", path, strerror(errno));
	}
	close(fd);
}

static void reads(const struct rules *r, const char *path)
{
	allow(r, path, false);
}

/* A directory to write below; made if it is not there yet, because it cannot be allowed otherwise. */
static void writes_below(const struct rules *r, const char *path)
{
	if (mkdir(path, 0750) < 0 && errno != EEXIST)
		log_debug("sandbox: %s: %s", path, strerror(errno));
	allow(r, path, true);
}

/* The directory of a file that may be replaced by another of its name, or is not there yet. */
static void beside(const struct rules *r, const char *path, bool write)
{
	char *dir = xstrdup(path), *slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	allow(r, slash ? dir : ".", write);
	free(dir);
}

/* -- the table: what each process touches -- */

static void for_capture(const struct rules *r, const struct topo *t, const char *instance)
{
	const struct topo_sensor *s = topo_sensor(t, instance);
	for (char **in = s ? s->inputs : NULL; in && *in; in++) {
		if (s->source == SRC_FOLLOW)
			beside(r, *in, false); /* rotated: another file comes under the name */
		else if (s->source != SRC_INTERFACE)
			reads(r, *in);
	}
	if (s && s->source == SRC_INTERFACE)
		reads(r, "/sys"); /* libpcap looks at the interface when it comes back */
	/* Names in a filter, which is compiled again then and looked at before a reload. */
	static const char *const names[] = { "/etc/services", "/etc/protocols", "/etc/hosts", "/etc/ethers", "/etc/networks" };
	for (size_t i = 0; s && s->filter && i < sizeof names / sizeof *names; i++)
		reads(r, names[i]);
}

static void for_checks(const struct rules *r, const struct topo *t, const char *instance)
{
	(void)instance;
	writes_below(r, t->state);
	reads(r, t->checks.lua_shipped);
	reads(r, "/usr/share/zoneinfo");
	for (char **p = t->checks.lua_paths; p && *p; p++)
		reads(r, *p);
	if (t->databases.location)
		reads(r, t->databases.location);
	if (t->databases.vendors)
		reads(r, t->databases.vendors);
	for (char **p = t->databases.mmdb; p && *p; p++)
		reads(r, *p);
	for (size_t i = 0; i < t->n_lists; i++)
		beside(r, t->lists[i].file, false); /* feeds replace it */
}

static void for_alertd(const struct rules *r, const struct topo *t, const char *instance)
{
	(void)instance;
	writes_below(r, t->state);
	if (t->store.path)
		writes_below(r, t->store.path);
}

/* '${file:PATH}' in what a recipient sends: the file is read when it is sent, so that a new secret counts at once. */
static void secrets(const struct rules *r, const char *text)
{
	for (const char *at = text; at && (at = strstr(at, "${file:")) != NULL;) {
		const char *end = strchr(at += strlen("${file:"), '}');
		if (!end)
			return;
		char *path = xstrndup(at, (size_t)(end - at));
		beside(r, path, false);
		free(path);
	}
}

static void for_notify(const struct rules *r, const struct topo *t, const char *instance)
{
	(void)instance;
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	/* To find hosts and to trust them: resolv.conf and its kind are replaced while we run, name services are loaded. */
	static const char *const network[] = { "/etc", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager",
					       "/run/nscd", "/usr/share", "/usr/local/share", "/usr/lib", "/lib", "/lib64" };
	writes_below(r, t->state);
	if (credentials)
		reads(r, credentials);
	for (size_t i = 0; i < t->n_recipients; i++) {
		const struct topo_recipient *rc = &t->recipients[i];
		if (rc->type != RCP_WEBHOOK)
			continue;
		secrets(r, rc->url);
		secrets(r, rc->secret);
		for (char **h = rc->headers; h && *h; h++)
			secrets(r, *h);
	}
	for (size_t i = 0; i < sizeof network / sizeof *network; i++)
		reads(r, network[i]);
}

static void for_apid(const struct rules *r, const struct topo *t, const char *instance)
{
	(void)instance;
	writes_below(r, t->state);
	if (t->api.token_file)
		beside(r, t->api.token_file, true);
	if (strncmp(t->api.listen, "unix:", 5) == 0)
		beside(r, t->api.listen + 5, true);
	reads(r, WEIR_PREFIX "/share/weir");
}

static void for_classify(const struct rules *r, const struct topo *t, const char *instance)
{
	(void)r;
	(void)t;
	(void)instance;
}

static const struct {
	const char *process;
	void (*places)(const struct rules *r, const struct topo *t, const char *instance);
} table[] = {
	{ "capture", for_capture }, { "classify", for_classify }, { "checks", for_checks },
	{ "alertd", for_alertd },   { "notify", for_notify },	  { "apid", for_apid },
};

static void for_all(const struct rules *r, const struct topo *t)
{
	writes_below(r, t->runtime);
	beside(r, t->path, false); /* SIGHUP: an editor may have put a new file in place of the old */
	reads(r, "/etc/localtime");
	reads(r, "/usr/share/zoneinfo");
	reads(r, "/sys/devices/system/cpu"); /* how many there are */
	reads(r, "/dev/urandom");
	allow(r, "/dev/null", true);
}

/* Is there only if the sanitizer was linked in. */
extern void __asan_init(void) __attribute__((weak));

bool sandbox_off(struct buf *say)
{
	static const char text[] = ", no sandbox in this build";
	if (__asan_init && !strstr(buf_cstr(say), text))
		buf_adds(say, text);
	return __asan_init != NULL;
}

void sandbox_files(const struct topo *t, const char *process, const char *instance, struct buf *say)
{
	if (sandbox_off(say))
		return;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1) {
		buf_adds(say, ", no landlock");
		return;
	}
	struct rules r = { .handled = rights_of_abi((int)abi) };
	struct landlock_ruleset_attr attr = { .handled_access_fs = r.handled };
	r.fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (r.fd < 0) {
		log_warn("landlock: %s", strerror(errno));
		buf_adds(say, ", no landlock");
		return;
	}
	for_all(&r, t);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].process, process) == 0)
			table[i].places(&r, t, instance);
	/* Libraries put what does not fit into memory into $TMPDIR; the usual one is closed now. */
	setenv("TMPDIR", t->state, 1);
	setenv("SQLITE_TMPDIR", t->state, 1);
	if (syscall(SYS_landlock_restrict_self, r.fd, 0) < 0) {
		log_warn("landlock: %s", strerror(errno));
		buf_adds(say, ", no landlock");
	} else {
		buf_addf(say, ", landlock %ld", abi);
	}
	close(r.fd);
}
